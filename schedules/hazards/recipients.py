"""Who is told about a hazard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from storage.db.models import MajorHazardSource, Person
from storage.hazard_terms import MAJOR
from storage.register_terms import RESPONSIBLE_ROLES
from storage.store import Store


class Addressed(Protocol):
    """The columns that decide who is told."""

    @property
    def number(self) -> str: ...
    @property
    def enterprise_id(self) -> int: ...
    @property
    def part_id(self) -> int | None: ...
    @property
    def level(self) -> str: ...
    @property
    def responsible_id(self) -> int | None: ...


def people_in_charge(hazards: Iterable[Addressed], store: Store) -> Mapping[str, list[Person]]:
    """Number -> the responsible person, or the heads of the enterprise; with two queries for any number of hazards.

    On a part of a major-hazard source, who answers for the source is told as well: of a major hazard all three people,
    of a general one without a responsible person the one for its operation.
    """
    wanted = list(hazards)
    employees = store.register.employees({each.enterprise_id for each in wanted})
    sources = store.major_hazard_sources.of_parts(each.part_id for each in wanted if each.part_id is not None)
    return {
        each.number: _in_charge(each, employees.get(each.enterprise_id, []), sources.get(each.part_id or 0, ()))
        for each in wanted
    }


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
