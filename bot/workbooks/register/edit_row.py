"""One row of the register at a time, by the same rules as a whole workbook: read, judged, applied or refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.parse import ParsedRegister, read_sheet
from bot.workbooks.register.result import Outcome
from bot.workbooks.register.rows import register_cells
from bot.workbooks.register.schema import CONTENT, PEOPLE, ROSTER, SHEET, Sheet
from bot.workbooks.register.xlsx_reader import Grid
from storage.objects import ObjectStore
from storage.store import Store

# A film comes with a workbook that has it beside it, not with a form.
_NOT_IN_FORMS = {CONTENT: ("file",)}
# Whoever has it can speak in the group's name.
SECRET = ("robot_key",)
_NAMED_BY = {PEOPLE: ("name", "codes"), ROSTER: ("day",)}


@dataclass(frozen=True)
class Entry:
    """One row as it stands: by which `mark` it is asked for, its subject in the trail, and its cells by field."""

    mark: str
    subject: str
    cells: Mapping[str, str]


def form_columns(sheet: Sheet) -> list[Any]:
    """The columns that a form offers."""
    return [column for column in sheet.columns if column.field not in _NOT_IN_FORMS.get(sheet.title, ())]


def entries(store: Store, title: str) -> list[Entry]:
    """Every row of one sheet, as text. Raises KeyError for a sheet that is none."""
    sheet = SHEET[title]
    return [_entry(sheet, row) for row in register_cells(store, {title})[title]]


def _entry(sheet: Sheet, row: Mapping[str, Any]) -> Entry:
    cells = {column.field: _shown(row.get(column.field)) for column in form_columns(sheet)}
    mark = hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]
    return Entry(mark, subject_of(sheet, cells), cells)


def _shown(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def subject_of(sheet: Sheet, cells: Mapping[str, str]) -> str:
    """How the trail names a row: its sheet, and what makes it this row."""
    named = _NAMED_BY.get(sheet.title, sheet.key)
    return "/".join((sheet.title, *(cells.get(field) or "—" for field in named)))


def take_row(
    title: str, cells: Mapping[str, str], before: Mapping[str, str] | None, store: Store, objects: ObjectStore,
    now: datetime, actor: str,
) -> Outcome:  # fmt: skip
    """Bring one row to what a form says, on record with what stood there before; refusals leave all as it was."""
    sheet = SHEET[title]
    columns = form_columns(sheet)
    rows = [tuple(column.title for column in columns), tuple(cells.get(column.field) or None for column in columns)]
    parsed = ParsedRegister()
    read_sheet(Grid(title, rows), parsed, Path("/nonexistent"))
    outcome = apply_register(parsed, store, objects, now, actor=None)
    if outcome.applied and (outcome.added or outcome.changed):
        differing = [field for field, value in cells.items() if (before or {}).get(field, "") != value]
        store.trail.note(
            now, actor, "register_edited", subject=subject_of(sheet, cells),
            before=_told(before or {}, differing), after=_told(cells, differing),
        )  # fmt: skip
    return outcome


def _told(cells: Mapping[str, str], fields: Sequence[str]) -> dict[str, str]:
    """What the trail says of some cells: a key that opens something is not written there."""
    return {field: "•••" if field in SECRET and cells.get(field) else cells.get(field, "") for field in fields}
