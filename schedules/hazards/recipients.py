"""Who is told about a hazard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from storage.db.models import Person
from storage.register_terms import RESPONSIBLE_ROLES
from storage.store import Store


class Addressed(Protocol):
    """The columns that decide who is told."""

    @property
    def number(self) -> str: ...
    @property
    def enterprise_id(self) -> int: ...
    @property
    def responsible_id(self) -> int | None: ...


def people_in_charge(hazards: Iterable[Addressed], store: Store) -> Mapping[str, list[Person]]:
    """Number -> the responsible person, or the heads of the enterprise; with one query for any number of hazards."""
    wanted = list(hazards)
    employees = store.register.employees({each.enterprise_id for each in wanted})
    found: dict[str, list[Person]] = {}
    for each in wanted:
        people = employees.get(each.enterprise_id, [])
        found[each.number] = [person for person in people if person.id == each.responsible_id] or _heads(people)
    return found


def heads(enterprise_id: int, store: Store) -> list[Person]:
    """Those who answer for an enterprise."""
    return _heads(store.register.employees([enterprise_id]).get(enterprise_id, []))


def _heads(employees: Iterable[Person]) -> list[Person]:
    return [person for person in employees if person.has_role(*RESPONSIBLE_ROLES)]
