"""The daily table of one patrol night, ready to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bot.texts import say
from bot.workbooks.cells import RISKS
from bot.workbooks.formatting import FONT, FRAME, cell_at, heading, put, saved, set_width

# The worst first; what it is called, and in which colour it is shown.
STATES = {
    "missing": ("workbook.missing", "FFC7CE"),
    "partial": ("workbook.partial", "FCE4D6"),
    "unjudged": ("workbook.unjudged", "DDEBF7"),
    "late": ("workbook.late", "FFF2CC"),
    "on_time": ("workbook.on_time", "E2EFDA"),
    "exempt": ("workbook.exempt", "EDEDED"),
}
COLUMNS = (
    ("序号", 6), ("企业", 34), ("风险等级", 9), ("应拍部位数", 9), ("已拍", 7), ("首条时间", 12),
    ("末条时间", 12), ("状态", 8), ("未拍部位", 30), ("备注", 20),
)  # fmt: skip
WORDS_FROM_LEFT = {2, 9, 10}
HEADING_ROW = 5
Target = str | PathLike[str] | IO[bytes]


@dataclass(frozen=True)
class DailyRow:
    """One enterprise. `state` is one of STATES; instants carry the zone in which they are to be shown."""

    enterprise: str
    risk: str | None
    parts_due: int
    parts_filmed: int
    first_at: datetime | None
    last_at: datetime | None
    state: str
    missing_parts: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class DailyTable:
    """One night. `counts` has `expected` and every one of STATES, as `night --json` does."""

    night: date
    opens: datetime
    closes: datetime
    counts: Mapping[str, int]
    leaders: tuple[str, ...]
    staff: tuple[str, ...]
    rows: tuple[DailyRow, ...]
    issued_at: datetime
    backups: tuple[str, ...] = ()
    gained: timedelta = timedelta(0)


def daily_table(target: Target, table: DailyTable) -> None:
    """Write the table to a path or an open binary file; the same table is always the same bytes.

    Raises ValueError when the counts are not proven by the rows: such a table must not go out.
    """
    _prove(table)
    written = saved(_book(table))
    if isinstance(target, str | PathLike):
        Path(target).write_bytes(written)
    else:
        target.write(written)


def _prove(table: DailyTable) -> None:
    by_state = Counter(row.state for row in table.rows)
    if unknown := by_state.keys() - STATES.keys():
        raise ValueError(f"unknown states {sorted(unknown)}")
    counted = {state: by_state[state] for state in STATES} | {"expected": len(table.rows)}
    stated = {name: table.counts.get(name, 0) for name in counted}
    if stated != counted:
        raise ValueError(f"counts {stated} are not those of the rows, {counted}")


def _book(table: DailyTable) -> Workbook:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = say("workbook.daily_sheet")
    _head(sheet, table)
    for index, (title, width) in enumerate(COLUMNS, 1):
        heading(cell_at(sheet, HEADING_ROW, index), title)
        set_width(sheet, index, width)
    for number, row in enumerate(sorted(table.rows, key=_badness), 1):
        _row(sheet, HEADING_ROW + number, _values(number, row, table.night), STATES[row.state][1])
    _line(sheet, HEADING_ROW + len(table.rows) + 2, say("workbook.daily_issued", issued=_stamp(table.issued_at)))
    _page(sheet)
    return book


def _head(sheet: Worksheet, table: DailyTable) -> None:
    evening = table.night - timedelta(days=1)
    title = say("workbook.daily_title", evening=_day(evening, year=True), morning=_day(table.night))
    _line(sheet, 1, title, size=16, bold=True, centre=True)
    nobody = say("workbook.daily_nobody")
    leaders, staff = ("、".join(names) or nobody for names in (table.leaders, table.staff))
    backup = say("workbook.daily_backup", backups="、".join(table.backups)) if table.backups else ""
    key = "workbook.daily_window_gained" if table.gained else "workbook.daily_window"
    minutes = round(table.gained.total_seconds() / 60)
    _line(sheet, 2, say(key, opens=_stamp(table.opens), closes=_stamp(table.closes), minutes=minutes))
    _line(sheet, 3, say("workbook.daily_duty", leaders=leaders, staff=staff) + backup)
    counts = {name: table.counts.get(name, 0) for name in ("expected", *STATES)}
    _line(sheet, 4, say("workbook.daily_counts", **counts), bold=True)


def _line(sheet: Worksheet, row: int, words: str, *, size: int = 11, bold: bool = False, centre: bool = False) -> None:
    """One sentence across the whole table."""
    cell = cell_at(sheet, row, 1)
    put(cell, words)
    cell.font = Font(name=FONT, size=size, bold=bold)
    cell.alignment = Alignment(horizontal="center" if centre else "left", vertical="center")
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(COLUMNS))
    sheet.row_dimensions[row].height = size * 1.8


def _badness(row: DailyRow) -> tuple[int, int]:
    return list(STATES).index(row.state), RISKS.index(row.risk) if row.risk in RISKS else len(RISKS)


def _values(number: int, row: DailyRow, night: date) -> tuple[Any, ...]:
    return (
        number,
        row.enterprise,
        row.risk or "",
        row.parts_due,
        row.parts_filmed,
        _time(row.first_at, night),
        _time(row.last_at, night),
        say(STATES[row.state][0]),
        "、".join(row.missing_parts),
        row.remark,
    )


def _row(sheet: Worksheet, number: int, values: tuple[Any, ...], colour: str) -> None:
    for index, value in enumerate(values, 1):
        cell = cell_at(sheet, number, index)
        put(cell, value)
        cell.font, cell.border = Font(name=FONT), FRAME
        cell.fill = PatternFill("solid", fgColor=colour)
        side = "left" if index in WORDS_FROM_LEFT else "center"
        cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True)


def _page(sheet: Worksheet) -> None:
    sheet.freeze_panes = f"A{HEADING_ROW + 1}"
    sheet.print_title_rows = f"{HEADING_ROW}:{HEADING_ROW}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text=say("workbook.daily_page")))


def _time(at: datetime | None, night: date) -> str:
    """The time of day; with the day where it is not the morning of the night."""
    if at is None:
        return ""
    return f"{at:%H:%M}" if at.date() == night else f"{at:%m-%d %H:%M}"


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _day(day: date, *, year: bool = False) -> str:
    return (f"{day.year} 年 " if year else "") + f"{day.month} 月 {day.day} 日"
