"""Reminders of hazards: one message a day to each person and to the office, and the interim measures every night.

Those in charge of an incomplete hazard are reminded daily until nothing is lacking.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from schedules.context import Context
from schedules.hazards.recipients import Addressed, people_in_charge
from schedules.notify import notify_office_by, notify_people, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant, submission_window
from storage.db.models import Notice, Person
from storage.hazard_deadlines import DueHazard
from storage.hazard_terms import INCOMPLETE
from storage.notices import NoticeDraft
from storage.register_terms import PATROLLER

_TIME_OF_DAY, _SENT_WITHIN = time(9, 0), timedelta(hours=10)
# What a message has room for; the ledger has all of them.
_MAX_LINES, _MAX_MATTER = 12, 20


def remind_of_deadlines(ctx: Context) -> None:
    """At half of the time, three days and one day before the deadline, on its day, and daily when it is over."""
    due, key = local_instant(ctx.today, _TIME_OF_DAY, ctx.rules), f"hazard-reminders/{ctx.today}"
    if ctx.now < due or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    groups = ctx.store.hazard_deadlines.due_groups(ctx.today)
    ctx.store.facts.decide(key, ctx.now, f"{sum(each.count for each in groups)} due")
    expires_at, params = ctx.now + _SENT_WITHIN, {"day": ctx.today.isoformat()}
    drafts = [
        (person, _draft("hazard_reminder.person", f"{key}/{person.id}", params, expires_at, ctx))
        for person in _concerned(groups, ctx)
    ]
    notify_people(drafts, ctx.store)
    if any(_is_for_office(each.state, each.earliest, ctx.today) for each in groups):
        notify_office_by(_draft("hazard_reminder.office", key, params, expires_at, ctx), ctx.store)


def _is_for_office(state: str, deadline: date | None, today: date) -> bool:
    return state == INCOMPLETE or (deadline is not None and deadline <= today)


def remind_of_interim_measures(ctx: Context) -> None:
    """Before each night, what is to be done until a hazard with an extension is put right."""
    night = ctx.today + ONE_DAY
    window, key = submission_window(night, ctx.rules), f"hazard-interim/{night}"
    due = local_instant(ctx.today, ctx.rules.for_night(night).early_reminder_time, ctx.rules)
    if not due <= ctx.now < window.opens or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    hazards = ctx.store.hazard_deadlines.protected()
    ctx.store.facts.decide(key, ctx.now, f"{len(hazards)} protected")
    drafts = [
        (person, _draft("hazard_reminder.interim", f"{key}/{person.id}", {}, window.closes, ctx))
        for person in _concerned(hazards, ctx, PATROLLER)
    ]
    notify_people(drafts, ctx.store)


def _concerned(hazards: Sequence[Addressed], ctx: Context, *also: str) -> list[Person]:
    """The people in charge of any of these, and those with the roles `also`; which hazards it is about is read when
    the message is sent."""
    people = people_in_charge(hazards, ctx.store, *also)
    return list({person.id: person for found in people for person in found}.values())


def _draft(text_key: str, once_key: str, params: dict[str, Any], expires_at: datetime, ctx: Context) -> NoticeDraft:
    return NoticeDraft(
        kind="reminder",
        text_key=text_key,
        once_key=once_key,
        night=ctx.night,
        due_at=ctx.now,
        params=params,
        check_name="hazard_reminder",
        expires_at=expires_at,
    )


def check_reminder(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The hazards of a reminder as they are at the moment of sending; None when none of them is due any more."""
    deadlines, works_for = ctx.store.hazard_deadlines, ctx.store.register.enterprise_ids_of([notice.person_id or 0])
    enterprise_ids = works_for.get(notice.person_id or 0, [])
    if notice.text_key == "hazard_reminder.interim":
        hazards = _of_recipient(deadlines.protected(enterprise_ids), notice, ctx, PATROLLER)
        return {**notice.params, "lines": _lines(hazards, None, ctx)} if hazards else None
    today = date.fromisoformat(notice.params["day"])
    if notice.text_key == "hazard_reminder.person":
        hazards = _of_recipient(deadlines.due(today, enterprise_ids), notice, ctx)
    else:
        hazards = [each for each in deadlines.due(today) if _is_for_office(each.state, each.deadline, today)]
    stages = [_stage(each, today)["say"] for each in hazards]
    counts = {name: stages.count(f"hazard_line.{name}") for name in ("overdue", "due_today", "incomplete")}
    return {**notice.params, **counts, "lines": _lines(hazards, today, ctx)} if hazards else None


def _of_recipient(hazards: Sequence[DueHazard], notice: Notice, ctx: Context, *also: str) -> list[DueHazard]:
    """Those that concern the person to whom the notice goes."""
    people = people_in_charge(hazards, ctx.store, *also)
    return [
        each
        for each, concerned in zip(hazards, people, strict=True)
        if notice.person_id in {person.id for person in concerned}
    ]


def _lines(hazards: Sequence[DueHazard], today: date | None, ctx: Context) -> list[dict[str, Any]]:
    """A line for each hazard, of its deadline or (without a date) of its interim measure; and how many more."""
    enterprises = ctx.store.register.enterprise_names()
    parts = ctx.store.register.part_names(each.part_id for each in hazards[:_MAX_LINES] if each.part_id)
    lines: list[dict[str, Any]] = [
        {
            **_stage(each, today),
            "hazard": each.number,
            "enterprise": enterprises[each.enterprise_id][1],
            "part": parts.get(each.part_id or 0, ""),
            "matter": each.matter[:_MAX_MATTER] if each.matter else {"say": "hazard_chat.no_matter"},
            "deadline": f"{each.deadline:%m-%d}" if each.deadline else "",
            "interim": each.interim[: 2 * _MAX_MATTER],
        }
        for each in hazards[:_MAX_LINES]
    ]
    return lines + [{"say": "hazard_line.more", "count": len(hazards) - _MAX_LINES}] * (len(hazards) > _MAX_LINES)


def _stage(hazard: DueHazard, today: date | None) -> dict[str, Any]:
    """The text of a line, and the number of days in it."""
    if today is None:
        return {"say": "hazard_line.interim"}
    if hazard.state == INCOMPLETE or hazard.deadline is None:
        return {"say": "hazard_line.incomplete"}
    days = (hazard.deadline - today).days
    if days < 0:
        return {"say": "hazard_line.overdue", "days": -days}
    return {"say": "hazard_line.due_today"} if days == 0 else {"say": "hazard_line.due_later", "days": days}
