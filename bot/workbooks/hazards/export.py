"""The ledger as a workbook in the office's printed form, written row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from io import BytesIO
from typing import Any

import xlsxwriter

from bot.workbooks.hazards.columns import PRINTED, SHEET_TITLE, column_of
from bot.workbooks.hazards.printed import PrintedRows
from bot.workbooks.styles import BORDER_COLOR, CREATED, FONT_NAME, HEADING_COLOR, NUMBER_FORMATS, printable
from schedules.context import Context
from storage.hazards import HazardFilter

# Hands items through and may show how many are done.
Track = Callable[[Iterable[Any]], Iterable[Any]]


def export_hazards(ctx: Context, wanted: HazardFilter, track: Track = iter) -> bytes:
    """The hazards of a filter, the latest first; importing the workbook changes nothing."""
    written = BytesIO()
    # Rows go to a temporary file as they are written, so that the ledger never is in the memory as a whole.
    with xlsxwriter.Workbook(written, {"constant_memory": True}) as workbook:
        # Not the time of the machine: the same ledger gives the same bytes.
        workbook.set_properties({"created": CREATED})
        sheet = workbook.add_worksheet(SHEET_TITLE)
        _write_headings(workbook, sheet)
        for line, row in enumerate(track(PrintedRows(ctx).of_ledger(wanted)), 1):
            for column, field in enumerate(PRINTED):
                _write(sheet, line, column, row[field])
    return written.getvalue()


def _write_headings(workbook: Any, sheet: Any) -> None:
    heading = workbook.add_format(
        {
            "font_name": FONT_NAME,
            "bold": True,
            "bg_color": f"#{HEADING_COLOR}",
            "border": 1,
            "border_color": f"#{BORDER_COLOR}",
            "align": "center",
            "valign": "vcenter",
            "text_wrap": True,
        }
    )
    # By the column, so that a text stays a text when its cell is edited, even if it begins like a formula.
    formats = {name: workbook.add_format({"num_format": each}) for name, each in NUMBER_FORMATS.items()}
    for number, (field, title) in enumerate(PRINTED.items()):
        column = column_of(field)
        sheet.set_column(number, number, column.width, formats[column.cell_type])
        sheet.write_string(0, number, title, heading)
    sheet.freeze_panes(1, 0)


def _write(sheet: Any, line: int, column: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(line, column, printable(value))
    elif isinstance(value, date):
        sheet.write_datetime(line, column, value)
    elif value is not None:
        sheet.write_number(line, column, value)
