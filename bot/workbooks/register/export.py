"""Exports the register as a workbook that the office can edit and import again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from bot.texts import say
from bot.workbooks.register.rows import SheetRows, content_items, register_rows
from bot.workbooks.register.schema import CONTENT, SHEETS, Sheet
from bot.workbooks.styles import (
    FONT_NAME,
    NUMBER_FORMATS,
    add_dropdown,
    cell_at,
    set_column_width,
    workbook_bytes,
    write_heading,
    write_value,
)
from storage.db.models import ContentItem
from storage.objects import ObjectError, ObjectStore
from storage.store import Store

SPARE_ROWS = 200
CHUNK_BYTES = 1 << 20


def export_register(store: Store, objects: ObjectStore, path: str | Path) -> list[str]:
    """Write the whole register to `path` and the films into a folder beside it.

    Returns a sentence for every film that could not be read. Importing the file again changes nothing.
    Raises OSError when `path` cannot be written.
    """
    path = Path(path)
    rows = register_rows(store)
    names, errors = _export_films(store, objects, path)
    for row in rows[CONTENT]:
        row["file"] = names.get(row["id"])
    path.write_bytes(workbook_bytes(build_workbook(rows)))
    return errors


def build_workbook(rows: SheetRows) -> Workbook:
    """A workbook with these rows of each sheet."""
    workbook = Workbook()
    del workbook[workbook.sheetnames[0]]
    for sheet in SHEETS:
        _fill(workbook.create_sheet(sheet.title), sheet, rows.get(sheet.title, []))
    return workbook


def _fill(target: Worksheet, sheet: Sheet, rows: list[dict[str, Any]]) -> None:
    font, top = Font(name=FONT_NAME), Alignment(vertical="top")
    target.freeze_panes = "A2"
    last_row = len(rows) + 1 + SPARE_ROWS
    for index, column in enumerate(sheet.columns, 1):
        write_heading(cell_at(target, 1, index), column.title)
        set_column_width(target, index, column.width)
        if column.choices and not column.is_list:
            add_dropdown(target, index, column.choices, last_row)
    for number, row in enumerate(rows, 2):
        for index, column in enumerate(sheet.columns, 1):
            cell = cell_at(target, number, index)
            write_value(cell, row.get(column.field))
            cell.number_format = NUMBER_FORMATS[column.cell_type]
            cell.font, cell.alignment = font, top
    for number in range(len(rows) + 2, last_row + 1):
        for index, column in enumerate(sheet.columns, 1):
            # Otherwise Excel makes a number of a code typed into an empty row.
            target.cell(number, index).number_format = NUMBER_FORMATS[column.cell_type]
    target.auto_filter.ref = target.dimensions if rows else None


def _export_films(store: Store, objects: ObjectStore, workbook_path: Path) -> tuple[dict[int, str], list[str]]:
    """Item id -> path relative to the workbook, and a sentence for every film that could not be read."""
    folder = f"{workbook_path.stem}-文件"
    names: dict[int, str] = {}
    errors = []
    digest_by_name: dict[str, str | None] = {}
    for item in content_items(store):
        if item.object_key is None:
            continue
        names[item.id] = name = _film_name(item, folder, digest_by_name)
        if not _write_film(item, objects, workbook_path.parent / name):
            errors.append(say("register.object_missing", title=item.title, file=name))
    return names, errors


def _film_name(item: ContentItem, folder: str, digest_by_name: dict[str, str | None]) -> str:
    """The name of the film; a second film of the same name gets a folder of its own."""
    own = Path(item.file_name or "").name or Path(item.object_key or "").name
    if digest_by_name.setdefault(own.casefold(), item.sha256) == item.sha256:
        return f"{folder}/{own}"
    return f"{folder}/{(item.sha256 or '')[:16]}/{own}"


def _write_film(item: ContentItem, objects: ObjectStore, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with objects.open(item.object_key or "") as source, target.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
    except ObjectError:
        return False
    return digest.hexdigest() == item.sha256
