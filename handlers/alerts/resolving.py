"""Resolving an alert: it gets an outcome, and all people who were alerted are notified.

An emergency is resolved at once, and its outcome is asked for. What is still true is resolved only with a reason.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.alerts.acknowledging import keep_working
from handlers.alerts.answering import alerted_people, may_answer, tell_person, tell_reporters, tell_sms_mail
from handlers.cards import update_card
from handlers.message import Message
from handlers.replies import add_reply, current_owner
from schedules.alerts import escalation
from schedules.context import Context
from schedules.night_judgement import judge_night
from storage.alerts import EMERGENCY, RESOLVED
from storage.db.models import Alert, Person
from storage.errors import OperationRefused

KEYWORDS = ("已解除", "解除警报", "解除险情", "处置结果")
WORKING_KEYWORD = "还在处理"
# Within this time after the button, the next text of the person is the outcome.
_OUTCOME_PERIOD = timedelta(hours=2)
_MAX_LENGTH = 500


def resolve_alert(alert: Alert, person: Person, outcome: str, ctx: Context) -> None:
    """Close an alert in a person's name. Raises OperationRefused if it is closed, or still true without a reason."""
    outcome = outcome.strip()[:_MAX_LENGTH]
    if alert.closed_at is not None:
        raise OperationRefused("alert.not_found")
    if alert.cause != EMERGENCY and not outcome:
        names = [each.enterprise.short_name for each in judge_night(ctx, alert.night).confirmed_missing]
        if names:
            raise OperationRefused("alert.reason_required", outstanding=len(names), names=names)
    was_acknowledged = alert.acknowledged_at is not None
    if not was_acknowledged:
        ctx.store.alerts.acknowledge(alert.id, person.id, ctx.now, None)
    if not ctx.store.alerts.resolve(alert.id, person.id, ctx.now, outcome or None):
        raise OperationRefused("alert.not_found")
    once_key = f"{RESOLVED}/{alert.id}"
    ctx.store.alerts.record(once_key, alert.id, RESOLVED, ctx.now, person.name, outcome, person_id=person.id)
    ctx.store.audit_log.record(
        ctx.now, person.name, "alert_resolved", alert=alert.id, cause=alert.cause, reason=outcome
    )
    _stand_down(alert, person, outcome, ctx)


def _stand_down(alert: Alert, person: Person, outcome: str, ctx: Context) -> None:
    params: dict[str, Any] = {
        "name": person.name,
        "time": ctx.rules.clock_time(ctx.now),
        "about": {"say": f"alert.about_{alert.cause}", **alert.params},
        "outcome": {"say": "alert.outcome", "outcome": outcome} if outcome else {"say": "alert.outcome_open"},
    }
    for each in alerted_people(alert, ctx):
        if each.id != person.id:
            tell_person(each, alert, "alert.stand_down", "stand-down", ctx, **params)
    tell_sms_mail(alert, "alert.stand_down", "stand-down", ctx, **params)
    tell_reporters(alert, "emergency.resolved", "stand-down", ctx, **params)


def resolve_by_text(message: Message, outcome: str, ctx: Context) -> None:
    """已解除 and how: the alert that the sender holds, else the latest one that is not acknowledged."""
    person = current_owner(message, ctx)
    alert = _answerable(person, ctx) if person else None
    if person is None or alert is None:
        return add_reply(message, ctx, "alert.none_open")
    return _resolve(message, alert, person, outcome, ctx)


def keep_by_text(message: Message, note: str, ctx: Context) -> None:
    """还在处理 and what."""
    person = current_owner(message, ctx)
    alert = _answerable(person, ctx) if person else None
    if person is None or alert is None or alert.cause != EMERGENCY:
        return add_reply(message, ctx, "alert.none_open")
    keep_working(alert, person, note, ctx)
    return _confirm_working(message, alert, ctx)


def answer_by_button(message: Message, alert_id: int, answer: str, ctx: Context) -> None:
    """A button of the question how it stands."""
    person, alert = current_owner(message, ctx), ctx.store.alerts.get(alert_id)
    if person is None or alert is None or alert.closed_at is not None or not may_answer(person, alert, ctx):
        return add_reply(message, ctx, "alert.not_found")
    params = {"name": person.name, "time": ctx.rules.clock_time(ctx.now)}
    update_card(message, f"progress/{alert.id}/{message.key}", params, ctx, f"alert.card_{answer}")
    if answer == escalation.STILL_WORKING:
        keep_working(alert, person, "", ctx)
        return _confirm_working(message, alert, ctx)
    return _resolve(message, alert, person, "", ctx)


def _resolve(message: Message, alert: Alert, person: Person, outcome: str, ctx: Context) -> None:
    try:
        resolve_alert(alert, person, outcome, ctx)
    except OperationRefused as refused:
        return add_reply(message, ctx, refused.text_key, **refused.params)
    return add_reply(message, ctx, "alert.resolved" if outcome else "alert.ask_outcome")


def _confirm_working(message: Message, alert: Alert, ctx: Context) -> None:
    minutes = round(ctx.rules.for_night(alert.night).acknowledged_for.total_seconds() / 60)
    add_reply(message, ctx, "alert.still_working", minutes=minutes)


def _answerable(person: Person, ctx: Context) -> Alert | None:
    held = [each for each in ctx.store.alerts.acknowledged() if each.acknowledged_by == person.id]
    waiting = [each for each in ctx.store.alerts.unacknowledged(ctx.now) if may_answer(person, each, ctx)]
    return held[-1] if held else waiting[-1] if waiting else None


def record_outcome(message: Message, person: Person, ctx: Context) -> bool:
    """Whether the text was the outcome that its sender was asked for."""
    alert = ctx.store.alerts.awaiting_outcome(person.id, ctx.now - _OUTCOME_PERIOD)
    if alert is None:
        return False
    alert.outcome = message.text.strip()[:_MAX_LENGTH]
    once_key = f"outcome/{alert.id}"
    ctx.store.alerts.record(once_key, alert.id, RESOLVED, ctx.now, person.name, alert.outcome, person_id=person.id)
    add_reply(message, ctx, "alert.outcome_recorded")
    return True
