"""Checks on the day before a night: is a leader on duty, and has every enterprise a person who can be reminded?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from schedules.channel_choice import route_options
from schedules.context import Context
from schedules.night_judgement import expected_enterprises
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant
from storage.db.models import Person
from storage.register_terms import ENTERPRISE_ROLES
from storage.store import Store


def check_duty_roster(ctx: Context) -> None:
    """In the afternoon, tell the office if no leader who can be reached is on tonight's shift."""
    today, night, store = ctx.today, ctx.today + ONE_DAY, ctx.store
    key = f"roster-check/{today}"
    if not _is_due(key, ctx.rules.for_night(night).roster_check_time, ctx):
        return
    leaders = store.duty.people_on_shift(today)["leader"]
    reachable = _reachable_people(leaders, "alert", store, ctx.now)
    store.facts.decide(key, ctx.now, "ok" if reachable else "unreachable")
    if not reachable:
        text_key = "readiness.leader_unreachable" if leaders else "readiness.no_leader_on_roster"
        names = [leader.name for leader in leaders]
        notify_office(ctx, night, text_key, key, day=f"{today:%m-%d}", patrol_night=f"{night:%m-%d}", names=names)


def check_reachability(ctx: Context) -> None:
    """In the evening, tell the office which enterprises must film tonight but have no person who can be reminded."""
    night, store = ctx.today + ONE_DAY, ctx.store
    key = f"reachability-check/{ctx.today}"
    if not _is_due(key, ctx.rules.for_night(night).reachability_check_time, ctx):
        return
    expected = [each for each in expected_enterprises(store, night) if each.due_parts]
    employees = store.register.employees(each.id for each in expected)
    candidates = [person for people in employees.values() for person in people if person.has_role(*ENTERPRISE_ROLES)]
    reachable = _reachable_people(candidates, "reminder", store, ctx.now)
    unreachable = [
        each.short_name for each in expected if not reachable & {person.id for person in employees.get(each.id, [])}
    ]
    store.facts.decide(key, ctx.now, f"{len(unreachable)} out of reach")
    if unreachable:
        notify_office(ctx, night, "readiness.enterprises_unreachable", key, names=unreachable)


def _is_due(key: str, clock_time: time, ctx: Context) -> bool:
    due = local_instant(ctx.today, clock_time, ctx.rules)
    return due <= ctx.now and not ctx.store.facts.decided([key]) and was_in_service(ctx.store, due)


def _reachable_people(people: Sequence[Person], kind: str, store: Store, now: datetime) -> set[int]:
    """The ids of the people whom a notice of that kind would reach now."""
    statuses = store.contacts.route_statuses_by_person({person.id for person in people}, store.personal_channels)
    return {person_id for person_id, each in statuses.items() if route_options(kind, each, now)}
