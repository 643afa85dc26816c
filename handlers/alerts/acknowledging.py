"""Acknowledging an alert: by its button, by the text 已知悉 where no card was shown, or from the dashboard.

An acknowledgement may carry a note. That of an emergency runs out: then its holder is asked how it stands.
"""

from __future__ import annotations

from datetime import datetime

from handlers.alerts.answering import may_answer, name_with_mobile, tell_reporters
from handlers.cards import update_card, update_sent_card
from handlers.message import Message
from handlers.replies import add_reply, current_owner
from schedules.context import Context
from schedules.notify import reply_route
from storage.alerts import ACKNOWLEDGED, EMERGENCY, NOTE, STILL_WORKING
from storage.db.models import Alert, Person
from storage.notices import NoticeForm

KEYWORDS = ("已知悉", "知悉")


def acknowledge_by_button(message: Message, notice_id: int, ctx: Context) -> None:
    """The button of an alert card was pressed."""
    notice = ctx.store.notices.get(notice_id)
    alert = ctx.store.alerts.get(notice.alert_id) if notice and notice.alert_id else None
    person = current_owner(message, ctx)
    if alert is None or person is None or alert.closed_at is not None:
        return add_reply(message, ctx, "alert.not_found")
    pressed_route = reply_route(message) if message.response_code else None
    is_first, params = acknowledge_alert(alert, person, ctx, pressed_route)
    update_card(message, f"{alert.id}" if is_first else f"{message.key}", params, ctx, "alert.card_acknowledged")
    if not is_first:
        add_reply(message, ctx, "alert.already_acknowledged", **params)
    return None


def acknowledge_by_text(message: Message, note: str, ctx: Context) -> None:
    """已知悉, for clients that show no cards: the latest alert that waits for its sender; `note` goes on record.

    A sender who already holds an alert adds a note to it.
    """
    person = current_owner(message, ctx)
    alerts = [each for each in ctx.store.alerts.unacknowledged(ctx.now) if person and may_answer(person, each, ctx)]
    held = [each for each in ctx.store.alerts.acknowledged() if person and each.acknowledged_by == person.id]
    if person is None or not (alerts or (held and note)):
        return add_reply(message, ctx, "alert.none_open")
    if not alerts:
        add_note(held[-1], person, note, f"{message.channel}/{message.key}", ctx)
        return add_reply(message, ctx, "alert.note_recorded")
    acknowledge_alert(alerts[-1], person, ctx, note=note)
    if alerts[-1].cause == EMERGENCY:
        minutes = round(ctx.rules.for_night(alerts[-1].night).acknowledged_for.total_seconds() / 60)
        return add_reply(message, ctx, "alert.acknowledged_emergency", minutes=minutes)
    return add_reply(message, ctx, "alert.acknowledged")


def acknowledge_alert(
    alert: Alert, person: Person, ctx: Context, pressed_route: str | None = None, note: str = ""
) -> tuple[bool, dict[str, str]]:
    """Stop the escalation in a person's name; whether that changed anything, and what cards show of it.

    All cards of the alert are updated except the one on `pressed_route`, for which the press brought a newer code.
    """
    is_first = ctx.store.alerts.acknowledge(alert.id, person.id, ctx.now, _end(alert, ctx))
    acknowledged = ctx.store.alerts.get(alert.id)
    assert acknowledged is not None
    acknowledged_at = acknowledged.acknowledged_at or ctx.now
    by = ctx.store.register.person(acknowledged.acknowledged_by or person.id)
    params = {"acknowledged_by": by.name if by else "", "time": ctx.rules.clock_time(acknowledged_at)}
    if is_first:
        once_key = f"{ACKNOWLEDGED}/{alert.id}/{ctx.now.isoformat()}"
        ctx.store.alerts.record(once_key, alert.id, ACKNOWLEDGED, ctx.now, person.name, note, person_id=person.id)
        ctx.store.audit_log.record(ctx.now, person.name, "alert_acknowledged", alert=alert.id, cause=alert.cause)
        _update_other_cards(alert, pressed_route, params, ctx)
        responder = {"responder": name_with_mobile(person), "time": params["time"]}
        tell_reporters(alert, "emergency.taken", f"taken/{ctx.now.isoformat()}", ctx, **responder)
    return is_first, params


def _end(alert: Alert, ctx: Context) -> datetime | None:
    """Only for an emergency: missing films settle themselves in the morning."""
    return ctx.now + ctx.rules.for_night(alert.night).acknowledged_for if alert.cause == EMERGENCY else None


def _update_other_cards(alert: Alert, pressed_route: str | None, params: dict[str, str], ctx: Context) -> None:
    notices = ctx.store.notices.of_alert(alert.id)
    cards = [each for each in notices if each.response_code and each.form == NoticeForm.ALERT]
    for route, notice in {notice.route: notice for notice in cards}.items():
        if route != pressed_route:
            update_sent_card(notice, f"{alert.id}", params, ctx, "alert.card_acknowledged")


def keep_working(alert: Alert, person: Person, note: str, ctx: Context) -> None:
    """还在处理: the person who answers holds the alert for another period."""
    alert.acknowledged_at, alert.acknowledged_by, alert.acknowledgement_ends_at = ctx.now, person.id, _end(alert, ctx)
    once_key = f"{STILL_WORKING}/{alert.id}/{ctx.now.isoformat()}"
    ctx.store.alerts.record(once_key, alert.id, STILL_WORKING, ctx.now, person.name, note, person_id=person.id)
    ctx.store.audit_log.record(ctx.now, person.name, "alert_kept", alert=alert.id, cause=alert.cause)


def add_note(
    alert: Alert, person: Person, note: str, once_key: str, ctx: Context, submission_id: int | None = None
) -> None:
    """Put a note, or a picture, of the holder on the record of the night."""
    values = {"person_id": person.id, "submission_id": submission_id}
    ctx.store.alerts.record(f"{NOTE}/{alert.id}/{once_key}", alert.id, NOTE, ctx.now, person.name, note, **values)
