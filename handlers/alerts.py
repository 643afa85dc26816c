"""Acknowledging an alert: by its button, by the text 已知悉 where no card was shown, or from the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.message import Message
from handlers.replies import add_reply, current_owner
from schedules.context import Context
from schedules.notify import notify_sender, reply_route
from storage.db.models import Alert, Person
from storage.notices import NoticeDraft, NoticeForm


def acknowledge_by_button(message: Message, notice_id: int, ctx: Context) -> None:
    """The button of an alert card was pressed."""
    notice = ctx.store.notices.get(notice_id)
    alert = ctx.store.alerts.get(notice.alert_id) if notice and notice.alert_id else None
    person = current_owner(message, ctx)
    if alert is None or person is None:
        return add_reply(message, ctx, "alert.not_found")
    _acknowledge(alert, person, message, ctx)
    return None


def acknowledge_by_text(message: Message, ctx: Context) -> None:
    """For clients that show no cards: acknowledges the latest alert that its sender was notified of."""
    person = current_owner(message, ctx)
    alerts = [
        alert
        for alert in ctx.store.alerts.unacknowledged()
        if person and any(notice.person_id == person.id for notice in ctx.store.notices.of_alert(alert.id))
    ]
    if not alerts or person is None:
        return add_reply(message, ctx, "alert.none_open")
    _acknowledge(alerts[-1], person, message, ctx)
    return add_reply(message, ctx, "alert.acknowledged")


def _acknowledge(alert: Alert, person: Person, message: Message, ctx: Context) -> None:
    pressed_route = reply_route(message) if message.response_code else None
    is_first, params = acknowledge_alert(alert, person, ctx, pressed_route)
    if message.response_code:
        update_card(message, f"{alert.id}" if is_first else f"{message.key}", params, ctx)
    if not is_first:
        add_reply(message, ctx, "alert.already_acknowledged", **params)


def acknowledge_alert(
    alert: Alert, person: Person, ctx: Context, pressed_route: str | None = None
) -> tuple[bool, dict[str, str]]:
    """Stop the escalation in a person's name; whether this was the first acknowledgement, and what cards show of it.

    All cards of the alert are updated except the one on `pressed_route`, for which the press brought a newer code.
    """
    is_first = ctx.store.alerts.acknowledge(alert.id, person.id, ctx.now)
    acknowledged = ctx.store.alerts.get(alert.id)
    assert acknowledged is not None
    assert acknowledged.acknowledged_at is not None
    by = ctx.store.register.person(acknowledged.acknowledged_by or person.id)
    params = {"acknowledged_by": by.name if by else "", "time": ctx.rules.clock_time(acknowledged.acknowledged_at)}
    if is_first:
        ctx.store.audit_log.record(ctx.now, person.name, "alert_acknowledged", alert=alert.id, cause=alert.cause)
        _update_other_cards(alert, pressed_route, params, ctx)
    return is_first, params


def _update_other_cards(alert: Alert, pressed_route: str | None, params: dict[str, str], ctx: Context) -> None:
    cards = [
        each for each in ctx.store.notices.of_alert(alert.id) if each.response_code and each.form == NoticeForm.ALERT
    ]
    for route, notice in {notice.route: notice for notice in cards}.items():
        if route != pressed_route:
            draft = _card_draft("alert.card_acknowledged", f"{alert.id}", notice.response_code or "", params, ctx)
            ctx.store.notices.add_follow_up(notice, draft)


def update_card(
    message: Message, card_key: str, params: Mapping[str, Any], ctx: Context, text_key: str = "alert.card_acknowledged"
) -> None:
    """Replace the card whose button was pressed by its result."""
    draft = _card_draft(text_key, card_key, message.response_code, params, ctx)
    notify_sender(message, current_owner(message, ctx), draft, ctx.store)


def _card_draft(text_key: str, card_key: str, code: str, params: Mapping[str, Any], ctx: Context) -> NoticeDraft:
    """The once-key holds the response code, because a code is valid for one update only."""
    return NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"card-update/{card_key}/{code}",
        night=ctx.night,
        due_at=ctx.now,
        params={**params, "response_code": code},
        form=NoticeForm.CARD_UPDATE,
    )
