"""The tables of a report, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.texts import say

# State -> text key and fill colour, the worst first.
STATE_STYLES = {
    "missing": ("workbook.missing", "FFC7CE"),
    "partial": ("workbook.partial", "FCE4D6"),
    "unjudged": ("workbook.unjudged", "DDEBF7"),
    "late": ("workbook.late", "FFF2CC"),
    "on_time": ("workbook.on_time", "E2EFDA"),
    "exempt": ("workbook.exempt", "EDEDED"),
}


@dataclass(frozen=True)
class Percent:
    """A cell with a share from 0 to 1, shown as a percentage; None while nothing was due."""

    share: float | None


@dataclass(frozen=True)
class TableRow:
    """One row of a table, in the colour of its state."""

    values: tuple[Any, ...]
    state: str | None = None


@dataclass(frozen=True)
class ReportTable:
    """One sheet. `columns` are headings and widths, `left_aligned` the numbers of left-aligned columns.

    `issued_at` is in the zone of the rules.
    """

    sheet_title: str
    title: str
    intro_lines: Sequence[str]
    columns: Sequence[tuple[str, float]]
    left_aligned: frozenset[int]
    rows: Sequence[TableRow]
    issued_at: datetime

    @property
    def issue_line(self) -> str:
        """When the table was made, for below it."""
        return say("workbook.daily_issued", issued=format_datetime(self.issued_at))


def sign_off_fields() -> list[str]:
    """What is filled in by hand below the first table of a report."""
    return [say(f"sign_off.{field}") for field in ("unit", "author", "reviewer", "signature")]


def cell_text(value: Any) -> str:
    """A cell as text, for forms without numbers."""
    if isinstance(value, Percent):
        return format_percent(value.share)
    if isinstance(value, float):
        return f"{value:.1f}"
    return "" if value is None else str(value)


def format_datetime(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def format_date(day: date, *, with_year: bool = False) -> str:
    return (f"{day.year}年" if with_year else "") + f"{day.month}月{day.day}日"


def format_percent(share: float | None) -> str:
    """A percentage with one decimal; — for None."""
    return "—" if share is None else f"{share:.1%}"
