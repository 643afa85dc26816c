"""Styles of the workbooks, and writing values so that they never become formulas."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime
from io import BytesIO
from typing import Any, cast

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

FONT_NAME = "微软雅黑"
DATE_FORMAT, TEXT_FORMAT = "yyyy-mm-dd", "@"
# By the type of a column.
NUMBER_FORMATS = {"text": TEXT_FORMAT, "date": DATE_FORMAT, "number": "0"}
BORDER_COLOR, HEADING_COLOR = "BFBFBF", "DDEBF7"
_THIN = Side(style="thin", color=BORDER_COLOR)
CELL_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
HEADING_FILL = PatternFill("solid", fgColor=HEADING_COLOR)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA_STARTS = ("=", "+", "-", "@")
# Fixed timestamps, so that the same content gives the same bytes.
CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zone
_ZIP_STAMP = (2000, 1, 1, 0, 0, 0)


def cell_at(sheet: Worksheet, row: int, column: int) -> Cell:
    """The cell at a position that is not covered by a merged range."""
    return cast(Cell, sheet.cell(row, column))


def write_value(cell: Cell, value: Any) -> None:
    """Write a value; a text is stored as text even if it begins like a formula."""
    if isinstance(value, str):
        text = printable(value)
        cell.value = text
        # openpyxl takes "=1+1" for a formula and "#N/A" for an error.
        cell.data_type = "s"
        cell.number_format = TEXT_FORMAT
        cell.quotePrefix = text.startswith(_FORMULA_STARTS)
        return
    cell.value = value
    if isinstance(value, date):
        cell.number_format = DATE_FORMAT


def printable(text: str) -> str:
    """Without the characters that no workbook can hold."""
    return _NOT_IN_XML.sub("", text)


def write_heading(cell: Cell, title: str) -> None:
    write_value(cell, title)
    cell.font = Font(name=FONT_NAME, bold=True)
    cell.fill = HEADING_FILL
    cell.border = CELL_BORDER
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)


def set_column_width(sheet: Worksheet, column: int, width: float) -> None:
    """Set the width of a column, in characters."""
    sheet.column_dimensions[get_column_letter(column)].width = width


def add_dropdown(sheet: Worksheet, column: int, choices: tuple[str, ...], last_row: int) -> None:
    """Add a dropdown list to the cells below the heading."""
    validation = DataValidation("list", formula1='"' + ",".join(choices) + '"', allow_blank=True)
    letter = get_column_letter(column)
    validation.add(f"{letter}2:{letter}{last_row}")
    sheet.add_data_validation(validation)


def workbook_bytes(workbook: Workbook) -> bytes:
    """The workbook as bytes that depend on its content only."""
    workbook.properties.created = workbook.properties.modified = CREATED
    workbook.properties.creator = "night-patrol"
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        ExcelWriter(workbook, archive).write_data()
    return _restamped(written)


def _restamped(written: BytesIO) -> bytes:
    result = BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            fixed = zipfile.ZipInfo(member.filename, _ZIP_STAMP)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            # Otherwise the operating system is in the file.
            fixed.create_system = 3
            target.writestr(fixed, source.read(member))
    return result.getvalue()
