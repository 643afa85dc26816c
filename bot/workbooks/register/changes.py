"""What an import changes in the stored register: the rows as the workbook shows them, before and after."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from bot.workbooks.register.import_context import ImportContext
from bot.workbooks.register.result import CellChange
from bot.workbooks.register.rows import SheetRows, cell_text
from bot.workbooks.register.schema import (
    CONTENT,
    ENTERPRISES,
    HAZARD_SOURCES,
    PARTS,
    PEOPLE,
    ROSTER,
    SECRET_FIELDS,
    SHEETS_BY_TITLE,
    Column,
    Sheet,
)

_SECRET = "•••"
_NAME_FIELDS = {
    ENTERPRISES: ("code", "name"),
    PARTS: ("code", "number", "name"),
    PEOPLE: ("name", "codes"),
    HAZARD_SOURCES: ("code", "source_number", "source_name"),
    ROSTER: ("day",),
    CONTENT: ("title",),
}
# How a value that is compared is shown where the register stores more than the cell holds.
_STORED_AS = {"file": "file_version"}


def record_changes(context: ImportContext, before: SheetRows, after: SheetRows) -> None:
    """Add every changed cell and every new row of the sheets in `after` to the result."""
    for title, rows in after.items():
        sheet = SHEETS_BY_TITLE[title]
        old_rows = {_key(sheet, row): row for row in before[title]}
        numbers = _row_numbers(context, sheet)
        for row in rows:
            key = _key(sheet, row)
            if key not in old_rows:
                context.result.sheet(title).new_names.append(_name(sheet, row))
            else:
                context.result.changes += _changes(sheet, numbers.get(key), old_rows[key], row)


def _key(sheet: Sheet, row: dict[str, Any]) -> Hashable:
    fields = {PEOPLE: ("id",), ROSTER: ("day",)}.get(sheet.title, sheet.key_fields)
    return tuple(row[field] for field in fields)


def _row_numbers(context: ImportContext, sheet: Sheet) -> dict[Hashable, int]:
    """Key -> Excel's row number."""
    if sheet.title == PEOPLE:
        return {(person_id,): number for person_id, number in context.row_of_person.items()}
    return {_key(sheet, row.values): row.number for row in reversed(context.rows(sheet.title))}


def _name(sheet: Sheet, row: dict[str, Any]) -> str:
    fields = _NAME_FIELDS.get(sheet.title, sheet.key_fields)
    return " ".join(filter(None, (cell_text(row[field]) for field in fields)))


def _changes(sheet: Sheet, number: int | None, old: dict[str, Any], new: dict[str, Any]) -> list[CellChange]:
    found = []
    for column in sheet.columns:
        before, after = _value(column, old), _value(column, new)
        if before != after:
            shown = [_SECRET if text and column.field in SECRET_FIELDS else text for text in (before, after)]
            found.append(CellChange(sheet.title, number, _name(sheet, new), column.title, *shown))
    return found


def _value(column: Column, row: dict[str, Any]) -> str:
    return cell_text(row.get(_STORED_AS.get(column.field, column.field)))
