"""The register as a workbook that the office can edit and import again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from bot.workbooks.register.export_films import export_films
from bot.workbooks.register.rows import SheetRows, register_rows
from bot.workbooks.register.schema import CONTENT, SHEETS, Sheet
from bot.workbooks.styles import (
    DATE_FORMAT,
    FONT_NAME,
    TEXT_FORMAT,
    add_dropdown,
    cell_at,
    set_column_width,
    workbook_bytes,
    write_heading,
    write_value,
)
from storage.objects import ObjectStore
from storage.store import Store

SPARE_ROWS = 200


def export_register(store: Store, objects: ObjectStore, path: str | Path) -> list[str]:
    """Write the whole register to `path`, films into a folder beside it; what could not be written is returned.

    Importing the file again changes nothing. Raises OSError when the place cannot be written to.
    """
    path = Path(path)
    cells = register_rows(store)
    names, complaints = export_films(store, objects, path)
    for row in cells[CONTENT]:
        row["file"] = names.get(row["id"])
    path.write_bytes(workbook_bytes(build_workbook(cells)))
    return complaints


def build_workbook(rows: SheetRows) -> Workbook:
    """The workbook with these rows; a sheet's rows are dictionaries by field."""
    book = Workbook()
    del book[book.sheetnames[0]]
    for sheet in SHEETS:
        _fill(book.create_sheet(sheet.title), sheet, rows.get(sheet.title, []))
    return book


def _fill(target: Worksheet, sheet: Sheet, rows: list[dict[str, Any]]) -> None:
    font, top = Font(name=FONT_NAME), Alignment(vertical="top")
    target.freeze_panes = "A2"
    last_row = len(rows) + 1 + SPARE_ROWS
    formats = {"text": TEXT_FORMAT, "date": DATE_FORMAT, "number": "0"}
    for index, column in enumerate(sheet.columns, 1):
        write_heading(cell_at(target, 1, index), column.title)
        set_column_width(target, index, column.width)
        if column.choices:
            add_dropdown(target, index, column.choices, last_row)
    for number, row in enumerate(rows, 2):
        for index, column in enumerate(sheet.columns, 1):
            cell = cell_at(target, number, index)
            write_value(cell, row.get(column.field))
            cell.number_format = formats[column.cell_type]
            cell.font, cell.alignment = font, top
    for number in range(len(rows) + 2, last_row + 1):
        for index, column in enumerate(sheet.columns, 1):
            # A code typed into an empty row must stay text as well.
            target.cell(number, index).number_format = formats[column.cell_type]
    target.auto_filter.ref = target.dimensions if rows else None
