"""What a form offers to pick where a row refers to enterprises, groups or people."""

from __future__ import annotations

from sqlalchemy import select

from bot.workbooks.register.people_names import PeopleNames
from bot.workbooks.register.roster_names import RosterNames
from bot.workbooks.register.schema import ENTERPRISES, GROUPS, HAZARD_SOURCES, PARTS, PEOPLE, Column, Sheet
from storage.db.models import Enterprise
from storage.register import natural_sort_key
from storage.register_terms import DEREGISTERED
from storage.store import Store

# Longer lists are searched by typing.
_MAX_SELECT = 40


def pick_lists(store: Store, sheet: Sheet, enterprise_code: str = "") -> dict[str, dict[str, str]]:
    """Field -> each value it may refer to -> how it is shown; the parser of the workbook reads both.

    Of what belongs to one enterprise, only that of the given one is offered.
    """
    if sheet.title == HAZARD_SOURCES:
        return _of_hazard_source(store, sheet, enterprise_code)
    names = RosterNames(store.session) if any(column.refers_to == PEOPLE for column in sheet.columns) else None
    return {column.field: _values(store, column, names) for column in sheet.columns if column.refers_to}


def _of_hazard_source(store: Store, sheet: Sheet, enterprise_code: str) -> dict[str, dict[str, str]]:
    enterprise = store.session.scalar(select(Enterprise).where(Enterprise.code == enterprise_code))
    found = {column.field: _values(store, column, None) for column in sheet.columns if column.refers_to == ENTERPRISES}
    if enterprise is None:
        return found
    names = PeopleNames(store.session)
    people = [names.name_at(person, enterprise.id) for person in names.employees(enterprise.id)]
    offered = {
        PARTS: {part.number: part.label for part in store.register.parts_of(enterprise.id)},
        PEOPLE: {name: name for name in people},
    }
    return found | {column.field: offered[column.refers_to] for column in sheet.columns if column.refers_to in offered}


def is_searched(values: dict[str, str]) -> bool:
    """Whether a list is too long for a plain selection."""
    return len(values) > _MAX_SELECT


def _values(store: Store, column: Column, names: RosterNames | None) -> dict[str, str]:
    if names is not None and column.refers_to == PEOPLE:
        people = [names.unambiguous_name(person, column.field) for person in names.eligible(column.field)]
        return {name: name for name in people}
    if column.refers_to == GROUPS:
        return {group.name: group.name for group in store.register.groups()}
    assert column.refers_to == ENTERPRISES
    query = select(Enterprise.code, Enterprise.name).where(Enterprise.status != DEREGISTERED)
    found = sorted(store.session.execute(query), key=lambda row: natural_sort_key(row.code))
    return {code: f"{code} {name}" for code, name in found}
