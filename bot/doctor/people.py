"""Checks of the register: who cannot be reached, and which enterprises cannot send films."""

from __future__ import annotations

from collections.abc import Iterator

from bot.doctor.check_result import CheckResult, failed, passed, warning
from bot.unit_of_work import UnitOfWork
from schedules.patrol_night import shift_day
from storage.register_terms import DUTY_LEADER, ENTERPRISE_ROLES
from storage.store import Store

_MAX_NAMES = 10


def check_people(uow: UnitOfWork) -> Iterator[CheckResult]:
    with uow.read() as store:
        enterprises = {row.id: row.name for row in store.register.expected_parts()}
        yield (passed if enterprises else failed)("doctor.register", count=len(enterprises))
        yield _reachable(store)
        yield from _duty(uow, store)
        yield from _without_senders(enterprises, store)
        yield from _groups(store)


def _bound(people: list[int], store: Store) -> set[int]:
    """The ids among `people` with an account on one of our personal channels."""
    return set(store.register.with_account(people, {channel.realm for channel in store.personal_channels}))


def _reachable(store: Store) -> CheckResult:
    leaders, office = store.register.people_with_role(DUTY_LEADER), store.register.office_staff()
    reachable = _bound([person.id for person in [*leaders, *office]], store)
    if not leaders:
        return failed("doctor.no_leaders")
    result = passed if reachable else failed
    return result("doctor.people", leaders=len(leaders), office=len(office), reachable=len(reachable))


def _duty(uow: UnitOfWork, store: Store) -> Iterator[CheckResult]:
    """A warning only: without a leader on duty an alert goes to the next escalation level."""
    day = shift_day(uow.clock.now(), uow.rules(store))
    leaders = store.duty.people_on_shift(day)["leader"]
    if not leaders:
        yield warning("doctor.no_leader_on_roster", day=f"{day:%Y-%m-%d}")
        return
    unbound = {person.id: person.name for person in leaders}
    for person_id in _bound(list(unbound), store):
        unbound.pop(person_id, None)
    if unbound:
        yield warning("doctor.leader_unbound", day=f"{day:%Y-%m-%d}", names=list(unbound.values()))


def _without_senders(enterprises: dict[int, str], store: Store) -> Iterator[CheckResult]:
    """Enterprises without a bound account among their patrollers and responsible people."""
    staff = store.register.employees(enterprises)
    people = {
        enterprise_id: [person.id for person in employees if set(ENTERPRISE_ROLES) & set(person.roles)]
        for enterprise_id, employees in staff.items()
    }
    bound = _bound([each for of in people.values() for each in of], store)
    without_account = [name for number, name in enterprises.items() if not bound & set(people.get(number, []))]
    if without_account:
        yield warning(
            "doctor.enterprises_without_account", count=len(without_account), names=without_account[:_MAX_NAMES]
        )


def _groups(store: Store) -> Iterator[CheckResult]:
    outside = store.register.enterprises_without_group()
    if len(store.register.groups()) > 1 and outside:
        yield warning("doctor.enterprises_without_group", count=len(outside))
