"""The ledger as a workbook in the office's printed form, written row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from bot.workbooks.hazards.columns import PRINTED, SHEET_TITLE, width_of
from bot.workbooks.hazards.printed import PrintedRows
from bot.workbooks.styles import is_plain_text, workbook_bytes, write_heading, write_value
from schedules.context import Context
from storage.hazards import HazardFilter

# Hands items through and may show how many are done.
Track = Callable[[Iterable[Any]], Iterable[Any]]


def export_hazards(ctx: Context, wanted: HazardFilter, track: Track = iter) -> bytes:
    """The hazards of a filter, the latest first; importing the workbook changes nothing."""
    workbook = Workbook(write_only=True)
    sheet: Any = workbook.create_sheet(SHEET_TITLE)
    for index, field in enumerate(PRINTED, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width_of(field)
    sheet.freeze_panes = "A2"
    headings = [WriteOnlyCell(sheet) for _ in PRINTED]
    for cell, title in zip(headings, PRINTED.values(), strict=True):
        write_heading(cell, title)
    sheet.append(headings)
    for row in track(PrintedRows(ctx).of_ledger(wanted)):
        sheet.append([_written(sheet, row[field]) for field in PRINTED])
    return workbook_bytes(workbook)


def _written(sheet: Any, value: Any) -> Any:
    """The value itself, or a cell of its own for a text that Excel would take for something else."""
    if not isinstance(value, str) or is_plain_text(value):
        return value
    cell = WriteOnlyCell(sheet)
    write_value(cell, value)
    return cell
