"""The result of an import, in sentences for the office."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from bot.texts import say
from storage.db.models import Binding

MAX_NAMES_SHOWN = 20
MAX_CELL_TEXT_SHOWN = 60


class CellError(Exception):
    """Why a cell is refused: a text key and its parameters."""

    def __init__(self, text_key: str, **params: Any) -> None:
        super().__init__(text_key, params)
        self.reason = say(text_key, **params)


@dataclass(frozen=True)
class ImportRefusal:
    """One thing that must be corrected before anything is imported.

    `row` is Excel's row number; row and column are None where a whole sheet or the file is refused.
    `cell_text` is the content of the cell, None or empty where it has none.
    """

    sheet: str | None
    row: int | None
    column: str | None
    cell_text: str | None
    reason: str

    def __str__(self) -> str:
        if self.sheet is None:
            return self.reason
        if self.row is None:
            return say("register.at_sheet", sheet=sheet_label(self.sheet), reason=self.reason)
        place = {"sheet": sheet_label(self.sheet), "row": self.row, "column": self.column, "reason": self.reason}
        if not self.cell_text:
            return say("register.at_empty_cell", **place)
        return say("register.at_cell", **place, value=truncate_text(self.cell_text))


@dataclass(frozen=True)
class CellChange:
    """One stored value that differs. `row` is Excel's row number; `old` and `new` are empty where there is no value."""

    sheet: str
    row: int | None
    name: str
    column: str
    old: str
    new: str

    def __str__(self) -> str:
        empty = say("register.empty")
        old, new = truncate_text(self.old) or empty, truncate_text(self.new) or empty
        row = "" if self.row is None else say("register.at_row", row=self.row)
        place = sheet_label(self.sheet) + row
        return say("register.changed", place=place, name=self.name, column=self.column, old=old, new=new)


@dataclass(frozen=True)
class NewRow:
    """A row that is added; `row` is Excel's row number."""

    sheet: str
    row: int
    name: str

    def __str__(self) -> str:
        return say(
            "register.new_row", place=sheet_label(self.sheet) + say("register.at_row", row=self.row), name=self.name
        )


@dataclass
class SheetResult:
    """The counts of one sheet and what is new; `not_mentioned` is in the database but not in the sheet."""

    title: str
    rows_read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    new_names: list[str] = field(default_factory=list)
    not_mentioned: list[str] = field(default_factory=list)

    def count(self, *, new: bool, changed: bool = False) -> None:
        """Count one thing as added, changed or unchanged."""
        self.added += new
        self.changed += changed and not new
        self.unchanged += not (new or changed)


@dataclass
class ImportResult:
    """What an import did, or with refusals or on a dry run would have done (then `applied` is False)."""

    sheets: dict[str, SheetResult] = field(default_factory=dict)
    refusals: list[ImportRefusal] = field(default_factory=list)
    changes: list[CellChange] = field(default_factory=list)
    new_rows: list[NewRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hidden_sheets: list[str] = field(default_factory=list)
    unknown_sheets: list[str] = field(default_factory=list)
    unknown_columns: list[tuple[str, str]] = field(default_factory=list)
    new_bindings: list[Binding] = field(default_factory=list)
    applied: bool = False

    @property
    def added(self) -> int:
        """Rows added, over all sheets."""
        return sum(sheet.added for sheet in self.sheets.values())

    @property
    def changed(self) -> int:
        """Rows changed, over all sheets."""
        return sum(sheet.changed for sheet in self.sheets.values())

    def sheet(self, title: str) -> SheetResult:
        """The result of one sheet, created on first use."""
        return self.sheets.setdefault(title, SheetResult(title))

    def refuse(self, sheet: str, row: int, column: str, cell_value: object, error: CellError) -> None:
        """Add a refused cell."""
        self.refusals.append(
            ImportRefusal(sheet, row, column, "" if cell_value is None else str(cell_value), error.reason)
        )

    def text_lines(self) -> list[str]:
        """The result in sentences: what must be corrected, what to note, every changed cell and new row, the counts."""
        return [*map(str, self.refusals), *self.remark_lines(), *self._change_lines(), *self.count_lines()]

    def _change_lines(self) -> list[str]:
        return [*map(str, self.changes), *map(str, self.new_rows)]

    @property
    def digest(self) -> str:
        """Of what is changed and added; the same for the same workbook over the same data."""
        lines = "\n".join([*self._change_lines(), *self.count_lines()])
        return hashlib.sha256(lines.encode()).hexdigest()

    def differs_from(self, confirmed: str | None) -> bool:
        """Whether this is not what a person confirmed, by the digest of the preview; if so, a note says it.

        None: without a preview.
        """
        if confirmed in (None, self.digest):
            return False
        self.notes.append(say("import_page.outdated"))
        return True

    def remark_lines(self) -> list[str]:
        """What the office should know of the workbook."""
        return [
            *(say("register.hidden_sheet", sheet=title) for title in self.hidden_sheets),
            *(say("register.warning", text=text) for text in self.warnings),
            *(say("register.unknown_sheet", sheet=title) for title in self.unknown_sheets),
            *(
                say("register.unknown_column", sheet=sheet_label(title), column=column)
                for title, column in self.unknown_columns
            ),
            *self.notes,
        ]

    def count_lines(self) -> list[str]:
        """The counts of every sheet, the names of what is new, and what the sheets do not mention."""
        sheets = self.sheets.values()
        return [
            *map(_sheet_line, sheets),
            *(_added_line(sheet) for sheet in sheets if sheet.new_names),
            *(_not_mentioned_line(sheet) for sheet in sheets if sheet.not_mentioned),
        ]


def sheet_label(sheet: str) -> str:
    """The name of a sheet in a sentence: 企业表, but 值班表 unchanged."""
    return sheet if sheet.endswith("表") else f"{sheet}表"


def truncate_text(text: str) -> str:
    """The text of a cell on one line, cut to MAX_CELL_TEXT_SHOWN."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_CELL_TEXT_SHOWN else line[: MAX_CELL_TEXT_SHOWN - 1] + "…"


def _sheet_line(sheet: SheetResult) -> str:
    return say(
        "register.sheet",
        sheet=sheet_label(sheet.title),
        read=sheet.rows_read,
        added=sheet.added,
        changed=sheet.changed,
        unchanged=sheet.unchanged,
    )


def _added_line(sheet: SheetResult) -> str:
    names = sheet.new_names
    return say("register.added", sheet=sheet_label(sheet.title), count=len(names), names=shortened_list(names))


def _not_mentioned_line(sheet: SheetResult) -> str:
    names = sheet.not_mentioned
    return say("register.not_mentioned", sheet=sheet_label(sheet.title), count=len(names), names=shortened_list(names))


def shortened_list(names: list[str]) -> str:
    """The first names of a list."""
    return "、".join(names[:MAX_NAMES_SHOWN]) + ("…" if len(names) > MAX_NAMES_SHOWN else "")
