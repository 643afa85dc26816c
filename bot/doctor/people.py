"""The doctor on the register: whom nobody would hear of tonight, and who could not be reached."""

from __future__ import annotations

from collections.abc import Iterator

from bot.doctor.check_result import Finding, advice, bad, good
from bot.unit_of_work import Memory
from schedules.patrol_night import shift_day
from storage.register import HEADS, LEADER, PATROLLER
from storage.store import Store

_NAMED = 10


def examine(memory: Memory) -> Iterator[Finding]:
    """Who there is, who is on duty, and who can send films."""
    with memory.reading() as store:
        enterprises = {row.id: row.name for row in store.register.expected_parts()}
        yield (good if enterprises else bad)("doctor.register", number=len(enterprises))
        yield _reachable(store)
        yield from _duty(memory, store)
        yield from _without_senders(enterprises, store)
        yield from _groups(store)


def _bound(people: list[int], store: Store) -> set[int]:
    """Those of them who have an account by which they can be spoken to."""
    return set(store.register.reachable(people, {line.realm for line in store.lines}))


def _reachable(store: Store) -> Finding:
    leaders, office = store.register.with_role(LEADER), store.register.office()
    reachable = _bound([person.id for person in [*leaders, *office]], store)
    said = good if reachable else bad
    return said("doctor.people", leaders=len(leaders), office=len(office), reachable=len(reachable))


def _duty(memory: Memory, store: Store) -> Iterator[Finding]:
    """Nobody on tonight's roster means that an alert goes to whoever stands behind."""
    day = shift_day(memory.clock.now(), memory.book(store))
    leaders = store.duty.on(day)["leader"]
    if not leaders:
        yield advice("doctor.no_roster", day=f"{day:%Y-%m-%d}")
        return
    unbound = {person.id: person.name for person in leaders}
    for person_id in _bound(list(unbound), store):
        unbound.pop(person_id, None)
    if unbound:
        yield advice("doctor.leader_unbound", day=f"{day:%Y-%m-%d}", names=list(unbound.values()))


def _without_senders(enterprises: dict[int, str], store: Store) -> Iterator[Finding]:
    """Enterprises of which nobody could send a film, for nobody of theirs has an account yet."""
    staff = store.register.employees(enterprises)
    wanted = {PATROLLER, *HEADS}
    people = {number: [p.id for p in of if wanted & set(p.roles)] for number, of in staff.items()}
    bound = _bound([each for of in people.values() for each in of], store)
    alone = [name for number, name in enterprises.items() if not bound & set(people.get(number, []))]
    if alone:
        yield advice("doctor.nobody_sends", number=len(alone), names=alone[:_NAMED])


def _groups(store: Store) -> Iterator[Finding]:
    outside = store.register.in_no_group()
    if len(store.register.groups()) > 1 and outside:
        yield advice("doctor.in_no_group", number=len(outside))
