"""Sheets for reading and printing: a title, some lines of text, a table, and the time of issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bot.texts import say
from bot.workbooks.styles import (
    CELL_BORDER,
    FONT_NAME,
    cell_at,
    set_column_width,
    workbook_bytes,
    write_heading,
    write_value,
)

OutputTarget = str | PathLike[str] | IO[bytes]
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
class TableRow:
    """One row of a table, in the colour of its state."""

    values: tuple[Any, ...]
    state: str | None = None


@dataclass(frozen=True)
class ReportTable:
    """One sheet. `columns` are headings and widths, `left_aligned` the numbers of left-aligned columns."""

    sheet_title: str
    title: str
    intro_lines: Sequence[str]
    columns: Sequence[tuple[str, float]]
    left_aligned: frozenset[int]
    rows: Sequence[TableRow]
    issued_at: datetime


def write_workbook(target: OutputTarget, tables: Sequence[ReportTable]) -> None:
    """Write the sheets to a path or an open binary file; the same tables give the same bytes."""
    book = Workbook()
    for number, table in enumerate(tables):
        sheet = book.create_sheet() if number else book.worksheets[0]
        sheet.title = table.sheet_title
        _fill(sheet, table)
    written = workbook_bytes(book)
    if isinstance(target, str | PathLike):
        Path(target).write_bytes(written)
    else:
        target.write(written)


def _fill(sheet: Worksheet, table: ReportTable) -> None:
    across, top = len(table.columns), 2 + len(table.intro_lines)
    _line(sheet, 1, table.title, across, size=16, bold=True, centre=True)
    for row, sentence in enumerate(table.intro_lines, 2):
        _line(sheet, row, sentence, across, bold=row == top - 1)
    for index, (title, width) in enumerate(table.columns, 1):
        write_heading(cell_at(sheet, top, index), title)
        set_column_width(sheet, index, width)
    for row, line in enumerate(table.rows, top + 1):
        _row(sheet, row, line, table.left_aligned)
    _line(
        sheet, top + len(table.rows) + 2, say("workbook.daily_issued", issued=format_datetime(table.issued_at)), across
    )
    _page(sheet, top)


def _line(
    sheet: Worksheet, row: int, words: str, across: int, *, size: int = 11, bold: bool = False, centre: bool = False
) -> None:
    """A line of text across the whole table."""
    cell = cell_at(sheet, row, 1)
    write_value(cell, words)
    cell.font = Font(name=FONT_NAME, size=size, bold=bold)
    cell.alignment = Alignment(horizontal="center" if centre else "left", vertical="center")
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=across)
    sheet.row_dimensions[row].height = size * 1.8


def _row(sheet: Worksheet, number: int, line: TableRow, words: frozenset[int]) -> None:
    for index, value in enumerate(line.values, 1):
        cell = cell_at(sheet, number, index)
        write_value(cell, value)
        cell.font, cell.border = Font(name=FONT_NAME), CELL_BORDER
        if line.state is not None:
            cell.fill = PatternFill("solid", fgColor=STATE_STYLES[line.state][1])
        side = "left" if index in words else "center"
        cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True)


def _page(sheet: Worksheet, top: int) -> None:
    sheet.freeze_panes = f"A{top + 1}"
    sheet.print_title_rows = f"{top}:{top}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text=say("workbook.daily_page")))


def format_datetime(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def format_date(day: date, *, with_year: bool = False) -> str:
    return (f"{day.year}年" if with_year else "") + f"{day.month}月{day.day}日"


def format_percent(share: float | None) -> str:
    """A percentage with one decimal; — for None."""
    return "—" if share is None else f"{share:.1%}"
