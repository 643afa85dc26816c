"""What came of reading and applying a register workbook, told so that the office can act on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.texts import say

SHOWN_NAMES = 20
SHOWN_FOUND = 60


class CellProblem(Exception):
    """Why a cell is not understood: the key of a sentence and what it needs."""

    def __init__(self, key: str, **params: Any) -> None:
        super().__init__(key, params)
        self.reason = say(key, **params)


@dataclass(frozen=True)
class Refusal:
    """One thing that must be corrected before anything is imported.

    `row` is Excel's row number; row and column are None where a whole sheet or the file is meant.
    `found` is what stands in the cell, None or empty where nothing does.
    """

    sheet: str | None
    row: int | None
    column: str | None
    found: str | None
    reason: str

    def __str__(self) -> str:
        if self.sheet is None:
            return self.reason
        if self.row is None:
            return say("register.at_sheet", sheet=table_name(self.sheet), reason=self.reason)
        place = {"sheet": table_name(self.sheet), "row": self.row, "column": self.column, "reason": self.reason}
        if not self.found:
            return say("register.at_empty_cell", **place)
        return say("register.at_cell", **place, found=shortened(self.found))


@dataclass
class SheetOutcome:
    """How the rows of one sheet fared; `not_mentioned` is known to the database but not to the sheet."""

    sheet: str
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    not_mentioned: list[str] = field(default_factory=list)

    def count(self, *, new: bool, changed: bool = False) -> None:
        """Count one thing as added, changed or unchanged."""
        self.added += new
        self.changed += changed and not new
        self.unchanged += not (new or changed)


@dataclass
class Outcome:
    """What an import did, or with refusals or on a dry run would have done (then `applied` is False)."""

    sheets: dict[str, SheetOutcome] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown_sheets: list[str] = field(default_factory=list)
    unknown_columns: list[tuple[str, str]] = field(default_factory=list)
    applied: bool = False

    @property
    def added(self) -> int:
        """Rows added, over all sheets."""
        return sum(sheet.added for sheet in self.sheets.values())

    @property
    def changed(self) -> int:
        """Rows changed, over all sheets."""
        return sum(sheet.changed for sheet in self.sheets.values())

    def sheet(self, title: str) -> SheetOutcome:
        """The outcome of one sheet; made when first asked for."""
        return self.sheets.setdefault(title, SheetOutcome(title))

    def refuse(self, sheet: str, row: int, column: str, found: object, problem: CellProblem) -> None:
        """Note a cell that cannot be taken."""
        self.refusals.append(Refusal(sheet, row, column, "" if found is None else str(found), problem.reason))

    def lines(self) -> list[str]:
        """The whole outcome in sentences, refusals last."""
        return [
            *(_sheet_line(sheet) for sheet in self.sheets.values()),
            *(_not_mentioned_line(sheet) for sheet in self.sheets.values() if sheet.not_mentioned),
            *(say("register.unknown_sheet", sheet=title) for title in self.unknown_sheets),
            *(
                say("register.unknown_column", sheet=table_name(title), column=column)
                for title, column in self.unknown_columns
            ),
            *(say("register.warning", text=text) for text in self.warnings),
            *(str(refusal) for refusal in self.refusals),
        ]


def table_name(sheet: str) -> str:
    """How a sheet is called in a sentence: 企业表, but 值班表 as it is."""
    return sheet if sheet.endswith("表") else f"{sheet}表"


def shortened(text: str) -> str:
    """A cell's text for a sentence, on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_FOUND else line[: SHOWN_FOUND - 1] + "…"


def _sheet_line(sheet: SheetOutcome) -> str:
    return say(
        "register.sheet",
        sheet=table_name(sheet.sheet),
        read=sheet.read,
        added=sheet.added,
        changed=sheet.changed,
        unchanged=sheet.unchanged,
    )


def _not_mentioned_line(sheet: SheetOutcome) -> str:
    names, count = sheet.not_mentioned, len(sheet.not_mentioned)
    shown = "、".join(names[:SHOWN_NAMES]) + ("…" if count > SHOWN_NAMES else "")
    return say("register.not_mentioned", sheet=table_name(sheet.sheet), count=count, names=shown)
