"""Alerts: opened by the clock or by danger, climbing until somebody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.alerts.escalation_policy import RungStatus, next_rung
from schedules.context import Context
from schedules.duty import DutyLadder, build_duty_ladder
from schedules.night_judgement import judge_night
from schedules.notify import notify_person, was_in_service
from schedules.patrol_night import night_instant, night_of, shift_day, submission_window
from schedules.rules import RuleBook
from storage.db.models import Alert, Notice, Person
from storage.notices import NoticeDraft, NoticeForm
from storage.outages import RECEIVING
from storage.register import DUTY_LEADER_ROLE
from storage.store import Store

MISSING, SUSPECTED_OUTAGE, EMERGENCY = "missing", "suspected_outage", "emergency"


def duty_ladder_at(store: Store, rules: RuleBook, instant: datetime) -> DutyLadder[Person]:
    """Whom an alert of that instant goes to; nobody on the roster never means nobody is told."""
    posts = store.duty.people_on_shift(shift_day(instant, rules))
    return build_duty_ladder(
        posts,
        store.register.people_with_role(DUTY_LEADER_ROLE),
        store.register.office_staff(),
        lambda person: person.id,
    )


def open_duty_alerts(ctx: Context) -> None:
    """At the agreed time, tell the duty leader who still owes films tonight.

    When so many are silent that it is rather our fault, the leader hears that, and nobody is named.
    """
    night = night_of(ctx.now, ctx.rules)
    due, ends = (
        night_instant(night, ctx.rules.for_night(night).duty_alert_time, ctx.rules),
        submission_window(night, ctx.rules).late_until,
    )
    key = f"duty-alert/{night}"
    if not due <= ctx.now < ends or ctx.store.facts.decided([key]) or not was_in_service(ctx.store, due):
        return
    if ctx.store.outages.is_down(RECEIVING, ctx.now):
        return
    whole = judge_night(ctx, night)
    if whole.is_undecided and ctx.now < submission_window(night, ctx.rules).closes:
        return
    ctx.store.facts.decide(key, ctx.now, str(len(whole.confirmed_missing)))
    if whole.confirmed_missing:
        cause = (
            SUSPECTED_OUTAGE if whole.suggests_outage(ctx.rules.for_night(night).mass_silence_threshold) else MISSING
        )
        alert = ctx.store.alerts.open(f"{MISSING}/{night}", cause, night, due)
        if alert is not None:
            escalate(alert, ctx)


def escalate_alerts(ctx: Context) -> None:
    """Take every unanswered alert one rung higher where its time has come."""
    for alert in ctx.store.alerts.unacknowledged():
        if alert.cause == EMERGENCY:
            escalate(alert, ctx)
        else:
            _climb_or_close(alert, ctx)


def _climb_or_close(alert: Alert, ctx: Context) -> None:
    """An alert about films settles itself when all have come; a film that is still in question only holds it."""
    whole = judge_night(ctx, alert.night)
    if ctx.now > submission_window(alert.night, ctx.rules).late_until:
        alert.closed_at, alert.closed_reason = ctx.now, "night over"
    elif whole.confirmed_missing:
        escalate(alert, ctx)
    elif not whole.is_undecided:
        alert.closed_at, alert.closed_reason = ctx.now, "no films outstanding"


def escalate(alert: Alert, ctx: Context) -> None:
    """Use the next rung if it is due: each of its people gets a card with a button, and a text."""
    people = duty_ladder_at(ctx.store, ctx.rules, alert.opened_at).rungs
    said = ctx.store.notices.of_alert(alert.id)
    rungs = [RungStatus(len(rung), _none_arrived(said, level)) for level, rung in enumerate(people)]
    rungs.append(RungStatus(1))
    wait = ctx.rules.for_night(alert.night).escalate_after
    level = next_rung(alert.rung, alert.escalated_at, rungs, ctx.now, wait)
    if level is None:
        return
    due = min(alert.escalated_at + wait, ctx.now) if alert.escalated_at else alert.opened_at
    alert.rung, alert.escalated_at = level, ctx.now
    if level == len(people):
        ctx.store.notices.add_for_sms_mail(_saying(alert, level, NoticeForm.TEXT, f"alert/{alert.id}/sms-mail", due))
    for person in people[level] if level < len(people) else ():
        for form in (NoticeForm.ALERT, NoticeForm.TEXT):
            once_key = f"alert/{alert.id}/{level}/{person.id}/{form}"
            notify_person(person, _saying(alert, level, form, once_key, due), ctx.store)


def _none_arrived(said: Sequence[Notice], level: int) -> bool:
    """Whether nobody of a rung is known to have heard: then nobody waits for an answer."""
    mine = [notice for notice in said if notice.rung == level and notice.kind in ("alert", "escalation")]
    # A card that was not even shown says nothing: its words went by themselves.
    states = [notice.state for notice in mine if notice.state != "cancelled"]
    return bool(states) and all(state in ("failed", "expired", "unknown") for state in states)


def _saying(alert: Alert, level: int, form: NoticeForm, once_key: str, due: datetime) -> NoticeDraft:
    return NoticeDraft(
        kind="alert" if level == 0 else "escalation",
        text_key=f"alert.{alert.cause}_card" if form is NoticeForm.ALERT else f"alert.{alert.cause}",
        once_key=once_key,
        night=alert.night,
        due_at=due,
        params=alert.params,
        form=form,
        check_name="alert",
        alert_id=alert.id,
        rung=level,
    )


def check_alert(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """An alert is said while nobody has answered it, and with the names that are true now."""
    alert = ctx.store.alerts.get(notice.alert_id or 0)
    if alert is None or alert.acknowledged_at is not None or alert.closed_at is not None:
        return None
    params = {**alert.params, "alert": alert.id, "level": notice.rung or 0, "night": f"{alert.night:%m-%d}"}
    if alert.cause == EMERGENCY:
        return params
    whole = judge_night(ctx, alert.night)
    if not whole.confirmed_missing:
        return None
    names = [each.enterprise.short_name for each in whole.confirmed_missing]
    return {**params, **whole.counts, "outstanding": len(names), "names": names}
