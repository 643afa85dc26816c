"""Before the night: is there anybody at every enterprise whom a reminder would reach?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from schedules.channel_choice import ways
from schedules.night_judgement import expected
from schedules.notify import awake_at, tell_office
from schedules.patrol_night import ONE_DAY, at
from schedules.rules import RuleBook
from storage.db.models import Person
from storage.register import HEADS, PATROLLER
from storage.store import Store


def check_reach(store: Store, rules: RuleBook, now: datetime) -> None:
    """In the evening, tell the office of every enterprise that must film tonight and of which nobody can be reached."""
    today = now.astimezone(rules.zone).date()
    night = today + ONE_DAY
    due, key = at(today, rules.on(night).reach_check, rules), f"reach/{today}"
    if now < due or store.records.decided([key]) or not awake_at(store, due):
        return
    owing = [each for each in expected(store, night) if each.due_parts]
    people = store.register.employees(each.id for each in owing)
    asked = [person for of_one in people.values() for person in of_one if {PATROLLER, *HEADS} & set(person.roles)]
    heard = reached(asked, "reminder", store, now)
    silent = [each.short_name for each in owing if not heard & {person.id for person in people.get(each.id, [])}]
    store.records.decide(key, now, f"{len(silent)} out of reach")
    if silent:
        tell_office(store, night, now, "reach.nobody", key, names=silent)


def reached(people: Sequence[Person], kind: str, store: Store, now: datetime) -> set[int]:
    """Those whom a notice of that kind would reach now."""
    standings = store.contacts.of_all({person.id for person in people}, store.lines)
    return {person_id for person_id, each in standings.items() if ways(kind, each, now)}
