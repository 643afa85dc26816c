"""A report as a workbook: each table a sheet, ready to print, signed by hand below the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from bot.texts import say
from bot.workbooks.reports.report_table import STATE_STYLES, Percent, ReportTable, TableRow, cell_text, sign_off_fields
from bot.workbooks.styles import (
    CELL_BORDER,
    FONT_NAME,
    cell_at,
    set_column_width,
    workbook_bytes,
    write_heading,
    write_value,
)

_SIGN_OFF_LINE = Border(bottom=Side(style="thin", color="000000"))
_SIGN_OFF_HEIGHT = 32


def report_workbook(tables: Sequence[ReportTable]) -> bytes:
    """The workbook; the same tables give the same bytes."""
    book = Workbook()
    for number, table in enumerate(tables):
        sheet = book.create_sheet() if number else book.worksheets[0]
        sheet.title = table.sheet_title
        below = _fill(sheet, table)
        if number == 0:
            _sign_off(sheet, below + 1, len(table.columns))
    return workbook_bytes(book)


def _fill(sheet: Worksheet, table: ReportTable) -> int:
    """Write the table; the number of its last row."""
    across, top = len(table.columns), 2 + len(table.intro_lines)
    _line(sheet, 1, table.title, across, size=16, bold=True, centre=True)
    for row, sentence in enumerate(table.intro_lines, 2):
        _line(sheet, row, sentence, across, bold=row == top - 1)
    for index, (title, width) in enumerate(table.columns, 1):
        write_heading(cell_at(sheet, top, index), title)
        set_column_width(sheet, index, width)
    for row, line in enumerate(table.rows, top + 1):
        _row(sheet, row, line, table.left_aligned)
    last = top + len(table.rows) + 2
    _line(sheet, last, table.issue_line, across)
    _page(sheet, top)
    return last


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
        _write_cell(cell, value)
        cell.font, cell.border = Font(name=FONT_NAME), CELL_BORDER
        if line.state is not None:
            cell.fill = PatternFill("solid", fgColor=STATE_STYLES[line.state][1])
        side = "left" if index in words else "center"
        cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True)


def _write_cell(cell: Cell, value: Any) -> None:
    """Numbers, shares and dates stay what they are, so that the office can calculate with them."""
    if isinstance(value, Percent):
        if value.share is None:
            write_value(cell, cell_text(value))
        else:
            cell.value, cell.number_format = value.share, "0.0%"
        return
    write_value(cell, value)
    if isinstance(value, float):
        cell.number_format = "0.0"


def _sign_off(sheet: Worksheet, row: int, across: int) -> None:
    """The fields beside one another, below one another in a narrow table, each with a line to write on."""
    fields = sign_off_fields()
    beside = len(fields) if across >= len(fields) else 1
    edges = [round(across * number / beside) for number in range(beside + 1)]
    for number, field in enumerate(fields):
        place = number % beside
        _field(sheet, row + number // beside, edges[place] + 1, edges[place + 1], field)


def _field(sheet: Worksheet, row: int, first: int, last: int, label: str) -> None:
    write_value(cell_at(sheet, row, first), label)
    for column in range(first, last + 1):
        cell = cell_at(sheet, row, column)
        cell.font, cell.border = Font(name=FONT_NAME, size=11), _SIGN_OFF_LINE
        cell.alignment = Alignment(horizontal="left", vertical="bottom")
    sheet.merge_cells(start_row=row, end_row=row, start_column=first, end_column=last)
    sheet.row_dimensions[row].height = _SIGN_OFF_HEIGHT


def _page(sheet: Worksheet, top: int) -> None:
    sheet.freeze_panes = f"A{top + 1}"
    sheet.print_title_rows = f"{top}:{top}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter = HeaderFooterItem(center=_HeaderFooterPart(text=say("workbook.daily_page")))
