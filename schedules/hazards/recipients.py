"""Who is told about a hazard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from storage.db.models import MajorHazardSource, Person
from storage.hazard_terms import MAJOR
from storage.register_terms import RESPONSIBLE_ROLES
from storage.store import Store


class Addressed(Protocol):
    """The columns that decide who is told."""

    @property
    def enterprise_id(self) -> int: ...
    @property
    def part_id(self) -> int | None: ...
    @property
    def level(self) -> str: ...
    @property
    def responsible_id(self) -> int | None: ...


def people_in_charge(hazards: Sequence[Addressed], store: Store, *also: str) -> list[list[Person]]:
    """For each hazard the responsible person, or the heads of the enterprise; with two queries for any number.

    On a part of a major-hazard source, who answers for the source is told as well: of a major hazard all three people,
    of a general one without a responsible person the one for its operation. At last come the other people of the
    enterprise with the roles `also`.
    """
    employees = store.register.employees({each.enterprise_id for each in hazards})
    sources = store.major_hazard_sources.of_parts({each.part_id for each in hazards if each.part_id is not None})
    found = []
    for each in hazards:
        people = employees.get(each.enterprise_id, [])
        in_charge = _in_charge(each, people, sources.get(each.part_id or 0, ()))
        found.append([*in_charge, *(one for one in people if one.has_role(*also) and one not in in_charge)])
    return found


def _in_charge(hazard: Addressed, employees: Sequence[Person], sources: Iterable[MajorHazardSource]) -> list[Person]:
    responsible = [person for person in employees if person.id == hazard.responsible_id]
    guarantors = {source.operation_id for source in sources}
    if hazard.level == MAJOR:
        guarantors = {person_id for source in sources for person_id in source.guarantors.values()}
    elif responsible:
        return responsible
    first = responsible or _heads(employees)
    return [*first, *(person for person in employees if person.id in guarantors and person not in first)]


def heads(enterprise_id: int, store: Store) -> list[Person]:
    """Those who answer for an enterprise."""
    return _heads(store.register.employees([enterprise_id]).get(enterprise_id, []))


def _heads(employees: Iterable[Person]) -> list[Person]:
    return [person for person in employees if person.has_role(*RESPONSIBLE_ROLES)]
