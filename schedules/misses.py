"""Enterprises that missed nights lately: a word on their return, a reminder before the night, a report to others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from schedules.context import Context
from schedules.judgement import EnterpriseJudgement
from schedules.night_judgement import judge_night, judge_nights
from schedules.notify import notify_office, notify_people, notify_system, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant, submission_window
from storage.db.models import Person
from storage.notices import NoticeDraft
from storage.register_terms import PATROLLER, RESPONSIBLE_ROLES

# How far back misses in a row are counted, and which nights count as "lately" for the reminder.
_MAX_NIGHTS, _RECENT_NIGHTS = 30, 7
_LATE_STATES = ("missing", "partial", "late")


def nights_missed_before(enterprise_ids: Collection[int], night: date, ctx: Context) -> dict[int, int]:
    """For how many nights in a row before this one each enterprise sent nothing; exempt nights are passed over."""
    missed, counting = dict.fromkeys(enterprise_ids, 0), set(enterprise_ids)
    only = next(iter(counting)) if len(counting) == 1 else None
    for days in range(1, _MAX_NIGHTS + 1):
        earlier = night - timedelta(days=days)
        if not counting or not was_in_service(ctx.store, submission_window(earlier, ctx.rules).closes):
            break
        judged = [each for each in judge_night(ctx, earlier, only).enterprises if each.enterprise.id in counting]
        for each in judged:
            if each.state == "missing":
                missed[each.enterprise.id] += 1
            elif each.state != "exempt":
                counting.discard(each.enterprise.id)
    return missed


def report_repeated_misses(ctx: Context) -> None:
    """When a night is over, tell heads and office of the enterprises that have now missed as many nights as agreed."""
    night, needed = ctx.today, ctx.rules.for_night(ctx.today).misses_reported_after
    due, key = submission_window(night, ctx.rules).late_until, f"repeated-misses/{night}"
    if not needed or ctx.now < due or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    missing = [each for each in judge_night(ctx, night).enterprises if each.state == "missing"]
    before = nights_missed_before([each.enterprise.id for each in missing], night, ctx)
    counts = {enterprise_id: 1 + nights for enterprise_id, nights in before.items()}
    repeated = [each for each in missing if counts[each.enterprise.id] >= needed]
    ctx.store.facts.decide(key, ctx.now, f"{len(repeated)} repeatedly")
    if not repeated:
        return
    employees = ctx.store.register.employees(each.enterprise.id for each in repeated)
    for each in repeated:
        params = {"enterprise": each.enterprise.short_name, "nights": counts[each.enterprise.id]}
        for person in employees.get(each.enterprise.id, ()):
            if person.has_role(*RESPONSIBLE_ROLES):
                once_key = f"{key}/{each.enterprise.id}/{person.id}"
                notify_system(person, ctx, night, "misses.head", once_key, **params)
    names = [_entry(each, counts) for each in repeated]
    notify_office(ctx, night, "misses.office", key, day=f"{night:%m-%d}", names=names)


def _entry(each: EnterpriseJudgement, counts: Mapping[int, int]) -> dict[str, Any]:
    return {"say": "misses.entry", "name": each.enterprise.short_name, "nights": counts[each.enterprise.id]}


def remind_before_night(ctx: Context) -> None:
    """Shortly before the night, remind the patrollers of enterprises that missed films or were late lately."""
    night = ctx.today + ONE_DAY
    window, key = submission_window(night, ctx.rules), f"reminder-before-night/{night}"
    due = local_instant(ctx.today, ctx.rules.for_night(night).early_reminder_time, ctx.rules)
    if not due <= ctx.now < window.opens or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    recent = judge_nights(ctx, night - timedelta(days=_RECENT_NIGHTS), night - ONE_DAY)
    unreliable = {
        each.enterprise.id
        for day, judgement in recent.items()
        if was_in_service(ctx.store, submission_window(day, ctx.rules).closes)
        for each in judgement.enterprises
        if each.state in _LATE_STATES
    }
    expected = [each for each in judge_night(ctx, night).enterprises if each.enterprise.id in unreliable]
    expected = [each for each in expected if each.enterprise.due_parts]
    ctx.store.facts.decide(key, ctx.now, f"{len(expected)} reminded")
    notify_people(_reminders(expected, night, key, ctx), ctx.store)


def _reminders(
    expected: Sequence[EnterpriseJudgement], night: date, key: str, ctx: Context
) -> list[tuple[Person, NoticeDraft]]:
    window = submission_window(night, ctx.rules)
    times = {"opens": ctx.rules.clock_time(window.opens), "closes": ctx.rules.clock_time(window.closes)}
    employees, drafts = ctx.store.register.employees(each.enterprise.id for each in expected), []
    for each in expected:
        parts = [part.label for part in each.enterprise.due_parts]
        params = {**times, "enterprise": each.enterprise.short_name, "parts": parts}
        for person in employees.get(each.enterprise.id, ()):
            if person.has_role(PATROLLER):
                draft = NoticeDraft(
                    kind="reminder",
                    text_key="misses.before_night",
                    once_key=f"{key}/{each.enterprise.id}/{person.id}",
                    night=night,
                    due_at=ctx.now,
                    params=params,
                    expires_at=window.opens + timedelta(hours=1),
                )
                drafts.append((person, draft))
    return drafts
