"""Editing one row of the register, with the same checks as the import of a workbook."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.grids import Grid
from bot.workbooks.register.parse import ParsedRegister, ParsedRow, parse_sheet
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.rows import cell_text, register_rows
from bot.workbooks.register.schema import CONTENT, PEOPLE, ROSTER, SECRET_FIELDS, SHEETS_BY_TITLE, Sheet
from storage.objects import ObjectStore
from storage.store import Store

# Films are imported with a workbook only.
_NOT_IN_FORMS = {CONTENT: ("file",)}
_NAMED_BY = {PEOPLE: ("name", "codes"), ROSTER: ("day",)}


@dataclass(frozen=True)
class SavedRow:
    """The result, and the cells in the form in which they are stored."""

    result: ImportResult
    cells: Mapping[str, str]


@dataclass(frozen=True)
class RegisterRow:
    """One stored row. `row_hash` identifies its content, so that an edit of an outdated row is noticed."""

    row_hash: str
    audit_subject: str
    cells: Mapping[str, str]


def form_columns(sheet: Sheet) -> list[Any]:
    return [column for column in sheet.columns if column.field not in _NOT_IN_FORMS.get(sheet.title, ())]


def list_rows(store: Store, sheet_title: str) -> list[RegisterRow]:
    """Every row of one sheet, as text. Raises KeyError for an unknown sheet."""
    sheet = SHEETS_BY_TITLE[sheet_title]
    return [_entry(sheet, row) for row in register_rows(store, {sheet_title})[sheet_title]]


def _entry(sheet: Sheet, row: Mapping[str, Any]) -> RegisterRow:
    cells = {column.field: cell_text(row.get(column.field)) for column in form_columns(sheet)}
    mark = hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]
    return RegisterRow(mark, audit_subject(sheet, cells), cells)


def audit_subject(sheet: Sheet, cells: Mapping[str, str]) -> str:
    """The subject of a row in the audit log: its sheet and key."""
    named = _NAMED_BY.get(sheet.title, sheet.key_fields)
    return "/".join((sheet.title, *(cells.get(field) or "—" for field in named)))


def save_row(
    sheet_title: str,
    cells: Mapping[str, str],
    previous_cells: Mapping[str, str] | None,
    store: Store,
    objects: ObjectStore,
    now: datetime,
    actor: str,
    *,
    may_appoint: bool,
) -> SavedRow:
    """Save the cells of a form and record the change in the audit log; nothing changes when a cell is refused."""
    sheet = SHEETS_BY_TITLE[sheet_title]
    columns = form_columns(sheet)
    rows = [tuple(column.title for column in columns), tuple(cells.get(column.field) or None for column in columns)]
    parsed = ParsedRegister()
    parse_sheet(sheet_title, Grid(sheet_title, rows), parsed, Path("/nonexistent"))
    result = apply_register(parsed, store, objects, now, actor=None, may_appoint=may_appoint)
    if not result.applied:
        return SavedRow(result, cells)
    stored = {**cells, **_stored_cells(parsed.rows(sheet_title), cells)}
    if result.added or result.changed:
        _record_edit(store, now, actor, sheet, previous_cells or {}, stored)
    return SavedRow(result, stored)


def _record_edit(
    store: Store, now: datetime, actor: str, sheet: Sheet, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    differing = [field for field, value in after.items() if before.get(field, "") != value]
    subject = audit_subject(sheet, after)
    store.audit_log.record(
        now, actor, "register_edited", subject=subject, before=_told(before, differing), after=_told(after, differing)
    )


def _stored_cells(rows: Sequence[ParsedRow], fields: Iterable[str]) -> dict[str, str]:
    """The parsed values as text: a code in place of a name, 05:30 in place of 5:30."""
    values = rows[0].values if rows else {}
    return {
        field: "、".join(values[field]) if isinstance(values[field], list) else cell_text(values[field])
        for field in fields
        if field in values
    }


def _told(cells: Mapping[str, str], fields: Sequence[str]) -> dict[str, str]:
    """The cells as the audit log shows them: secrets are masked."""
    return {field: "•••" if field in SECRET_FIELDS and cells.get(field) else cells.get(field, "") for field in fields}
