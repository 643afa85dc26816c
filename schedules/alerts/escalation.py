"""Alerts: opened by a job or by an emergency message, escalated until a person acknowledges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.alerts.ladder import RUNGS, DutyLadder, RungStatus, Step, build_duty_ladder, next_rung, next_step
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.notify import notify_person, was_in_service
from schedules.patrol_night import night_instant, shift_day, submission_window
from storage.alerts import EMERGENCY
from storage.db.models import Alert, Notice, Person
from storage.notices import NoticeDraft, NoticeForm
from storage.outages import RECEIVING
from storage.priority import Priority
from storage.register_terms import DUTY_LEADER

MISSING, SUSPECTED_OUTAGE = "missing", "suspected_outage"
# What the buttons of the question after an acknowledgement bring, see handlers.alerts.
STILL_WORKING, RESOLVED = "working", "resolved"


def duty_ladder_at(instant: datetime, ctx: Context) -> DutyLadder[Person]:
    """The ladder for an alert opened at that instant."""
    register = ctx.store.register
    posts = ctx.store.duty.people_on_shift(shift_day(instant, ctx.rules))
    leaders = register.people_with_role(DUTY_LEADER)
    return build_duty_ladder(posts, leaders, register.office_staff(), lambda person: person.id)


def open_duty_alerts(ctx: Context) -> None:
    """At the agreed time, tell the duty leader which enterprises still miss films tonight.

    When so many are silent that an outage on our side is more likely, the alert says that and names no enterprise.
    """
    night, rules, store = ctx.night, ctx.rules, ctx.store
    night_rules, window = rules.for_night(night), submission_window(night, rules)
    due, key = night_instant(night, night_rules.duty_alert_time, rules), f"duty-alert/{night}"
    if not due <= ctx.now < window.late_until or store.facts.decided([key]) or not was_in_service(store, due):
        return
    if store.outages.is_down(RECEIVING, ctx.now):
        return
    judgement = judge_night(ctx, night)
    if judgement.is_undecided and ctx.now < window.closes:
        return
    store.facts.decide(key, ctx.now, str(len(judgement.confirmed_missing)))
    if judgement.confirmed_missing:
        cause = SUSPECTED_OUTAGE if judgement.suggests_outage(night_rules.mass_silence_threshold) else MISSING
        alert = store.alerts.open(f"{MISSING}/{night}", cause, night, due)
        if alert is not None:
            escalate(alert, ctx)


def escalate_alerts(ctx: Context) -> None:
    """Escalate every alert that has no holder and whose next rung is due."""
    for alert in ctx.store.alerts.unacknowledged(ctx.now):
        if alert.cause == EMERGENCY:
            escalate(alert, ctx)
        else:
            _escalate_or_close(alert, ctx)
    for alert in ctx.store.alerts.acknowledged():
        if alert.cause != EMERGENCY:
            _close_after_night(alert, ctx)


def _escalate_or_close(alert: Alert, ctx: Context) -> None:
    """An alert about missing films closes when all have come; a film still being judged only pauses it."""
    if _close_after_night(alert, ctx):
        return
    judgement = judge_night(ctx, alert.night)
    if judgement.confirmed_missing:
        escalate(alert, ctx)
    elif not judgement.is_undecided:
        alert.closed_at, alert.closed_reason = ctx.now, "no films outstanding"


def _close_after_night(alert: Alert, ctx: Context) -> bool:
    if ctx.now <= submission_window(alert.night, ctx.rules).late_until:
        return False
    alert.closed_at, alert.closed_reason = ctx.now, "night over"
    return True


def escalate(alert: Alert, ctx: Context) -> None:
    """Use the next rung if it is due: each of its people gets a card with a button, and a text.

    The ladder of an emergency has no end. Where an acknowledgement has run out, its holder is asked first.
    """
    people = duty_ladder_at(ctx.now, ctx).rungs
    notices = ctx.store.notices.of_alert(alert.id)
    failed = _all_failed(notices, alert.rung)
    statuses = [RungStatus(len(on_rung), failed) for on_rung in people]
    statuses.append(RungStatus(1, failed))  # the SMS and mail addresses
    wait = ctx.rules.for_night(alert.night).escalate_after
    step = next_step(alert, statuses, ctx.now, wait, repeats=alert.cause == EMERGENCY)
    if step is Step.ASK_HOLDER:
        _ask_for_progress(alert, ctx)
    elif step is not None:
        _use_rung(alert, step, people, ctx)


def upcoming_rung(alert: Alert, ctx: Context) -> tuple[Sequence[Person], datetime] | None:
    """Who is alerted next without an acknowledgement, and when; None after the last rung.

    No people: the SMS and mail addresses.
    """
    if alert.escalated_at is None or alert.is_acknowledged(ctx.now) or alert.closed_at is not None:
        return None
    people, wait = duty_ladder_at(ctx.now, ctx).rungs, ctx.rules.for_night(alert.night).escalate_after
    statuses = [*(RungStatus(len(on_rung)) for on_rung in people), RungStatus(1)]
    due = alert.escalated_at + wait
    rung = next_rung(alert.rung, alert.escalated_at, statuses, due, wait, repeats=alert.cause == EMERGENCY)
    if rung is None:
        return None
    return () if rung % RUNGS == len(people) else people[rung % RUNGS], due


def _use_rung(alert: Alert, rung: int, people: Sequence[Sequence[Person]], ctx: Context) -> None:
    wait = ctx.rules.for_night(alert.night).escalate_after
    due = min(alert.escalated_at + wait, ctx.now) if alert.escalated_at else alert.held_until or alert.opened_at
    alert.rung, alert.escalated_at = rung, ctx.now
    if rung % RUNGS == len(people):
        once_key = f"alert/{alert.id}/{rung}/sms-mail"
        ctx.store.notices.add_for_sms_mail(_draft(alert, rung, NoticeForm.TEXT, once_key, due))
        return
    for person in people[rung % RUNGS]:
        for form in (NoticeForm.ALERT, NoticeForm.TEXT):
            once_key = f"alert/{alert.id}/{rung}/{person.id}/{form}"
            notify_person(person, _draft(alert, rung, form, once_key, due), ctx.store)


def _ask_for_progress(alert: Alert, ctx: Context) -> None:
    """Ask the holder how it stands; without an answer the ladder continues after the usual wait."""
    ended_at = alert.acknowledgement_ends_at or ctx.now
    alert.escalated_at = ctx.now
    holder = ctx.store.register.person(alert.acknowledged_by or 0)
    if holder is None or not holder.active:
        return
    choices = [
        [f"progress:{alert.id}:{answer}", {"say": f"alert.{answer}_button"}] for answer in (STILL_WORKING, RESOLVED)
    ]
    cards = ((NoticeForm.BUTTONS, "alert.progress_card", "/card"), (NoticeForm.TEXT, "alert.progress", ""))
    for form, text_key, suffix in cards:
        once_key = f"alert/{alert.id}/progress/{ended_at.isoformat()}{suffix}"
        draft = _draft(alert, alert.rung, form, once_key, ended_at)
        draft.text_key, draft.params = text_key, {**alert.params, "subject": f"progress-{alert.id}", "choices": choices}
        notify_person(holder, draft, ctx.store)


def _all_failed(notices: Sequence[Notice], rung: int) -> bool:
    """Whether no notice to a rung is known to have arrived: then there is no answer to wait for."""
    # A cancelled card counts neither way: its text was sent as a notice of its own.
    states = [
        notice.state
        for notice in notices
        if notice.rung == rung and notice.kind in ("alert", "escalation") and notice.state != "cancelled"
    ]
    return bool(states) and all(state in ("failed", "expired", "unknown") for state in states)


def _draft(alert: Alert, rung: int, form: NoticeForm, once_key: str, due: datetime) -> NoticeDraft:
    return NoticeDraft(
        kind="alert" if rung == 0 else "escalation",
        text_key=f"alert.{alert.cause}_card" if form is NoticeForm.ALERT else f"alert.{alert.cause}",
        once_key=once_key,
        night=alert.night,
        due_at=due,
        params=alert.params,
        form=form,
        check_name="alert",
        alert_id=alert.id,
        rung=rung,
        priority=Priority.EMERGENCY if alert.cause == EMERGENCY else Priority.ORDINARY,
    )


def check_alert(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The alert's parameters as of now; None while it is acknowledged, closed or no longer true."""
    alert = ctx.store.alerts.get(notice.alert_id or 0)
    if alert is None or alert.is_acknowledged(ctx.now) or alert.closed_at is not None:
        return None
    about = {"alert": alert.id, "level": notice.rung or 0, "night": f"{alert.night:%m-%d}"}
    params = {**alert.params, **notice.params, **about}
    if alert.cause == EMERGENCY:
        return params
    judgement = judge_night(ctx, alert.night)
    names = [each.enterprise.short_name for each in judgement.confirmed_missing]
    return {**params, **judgement.counts, "outstanding": len(names), "names": names} if names else None
