"""Before the night: is there anybody at every enterprise whom a reminder would reach?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from schedules.channel_choice import route_options
from schedules.context import Context
from schedules.night_judgement import expected_enterprises
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant
from storage.db.models import Person
from storage.register import PATROLLER_ROLE, RESPONSIBLE_ROLES
from storage.store import Store


def check_reachability(ctx: Context) -> None:
    """In the evening, tell the office of every enterprise that must film tonight and of which nobody can be reached."""
    today = ctx.now.astimezone(ctx.rules.zone).date()
    night = today + ONE_DAY
    due, key = (
        local_instant(today, ctx.rules.for_night(night).reachability_check_time, ctx.rules),
        f"reachability-check/{today}",
    )
    if ctx.now < due or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    owing = [each for each in expected_enterprises(ctx.store, night) if each.due_parts]
    people = ctx.store.register.employees(each.id for each in owing)
    asked = [
        person
        for of_one in people.values()
        for person in of_one
        if {PATROLLER_ROLE, *RESPONSIBLE_ROLES} & set(person.roles)
    ]
    heard = reachable_people(asked, "reminder", ctx.store, ctx.now)
    silent = [each.short_name for each in owing if not heard & {person.id for person in people.get(each.id, [])}]
    ctx.store.facts.decide(key, ctx.now, f"{len(silent)} out of reach")
    if silent:
        notify_office(ctx.store, night, ctx.now, "readiness.enterprises_unreachable", key, names=silent)


def reachable_people(people: Sequence[Person], kind: str, store: Store, now: datetime) -> set[int]:
    """Those whom a notice of that kind would reach now."""
    standings = store.contacts.route_statuses_by_person({person.id for person in people}, store.personal_channels)
    return {person_id for person_id, each in standings.items() if route_options(kind, each, now)}
