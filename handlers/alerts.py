"""Answering an alert: by its button, or by the word 已知悉 where no card was shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers.message import Message
from handlers.replies import add_reply
from schedules.context import Context
from schedules.notify import notify_sender, reply_route
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Alert, Notice, Person
from storage.notices import NoticeDraft, NoticeForm


def acknowledge_by_button(message: Message, notice_id: int, ctx: Context) -> None:
    """The first button of an alert's card was pressed."""
    notice = ctx.store.notices.get(notice_id)
    alert = ctx.store.alerts.get(notice.alert_id) if notice and notice.alert_id else None
    person = ctx.store.register.account_owner(message.realm, message.sender, ctx.now)
    if alert is None or person is None:
        return add_reply(message, ctx, "alert.not_found")
    _take(alert, person, message, ctx)
    return None


def acknowledge_by_text(message: Message, ctx: Context) -> None:
    """The same by a text, for clients that show no cards: it answers the latest alert its sender was told of."""
    person = ctx.store.register.account_owner(message.realm, message.sender, ctx.now)
    alerts = [
        alert
        for alert in ctx.store.alerts.unacknowledged()
        if person and any(notice.person_id == person.id for notice in ctx.store.notices.of_alert(alert.id))
    ]
    if not alerts or person is None:
        return add_reply(message, ctx, "alert.none_open")
    _take(alerts[-1], person, message, ctx)
    return add_reply(message, ctx, "alert.acknowledged")


def _take(alert: Alert, person: Person, message: Message, ctx: Context) -> None:
    pressed = reply_route(message) if message.response_code else None
    first, shown = acknowledge_alert(alert, person, ctx, pressed)
    if message.response_code:
        update_card(message, f"{alert.id}" if first else f"{message.key}", shown, ctx)
    if not first:
        add_reply(message, ctx, "alert.already_acknowledged", **shown)


def acknowledge_alert(
    alert: Alert, person: Person, ctx: Context, pressed_route: str | None = None
) -> tuple[bool, dict[str, str]]:
    """Stop the ladder in a person's name, wherever it was said; whether nobody was faster, and what is shown of it.

    Every card of the alert shows it but the one on the route where it was `pressed`, which has a fresher code.
    """
    first = ctx.store.alerts.acknowledge(alert.id, person.id, ctx.now)
    taken = ctx.store.alerts.get(alert.id)
    assert taken is not None
    assert taken.acknowledged_at is not None
    taker = ctx.store.register.person(taken.acknowledged_by or person.id)
    shown = {
        "acknowledged_by": taker.name if taker else "",
        "time": f"{taken.acknowledged_at.astimezone(ctx.rules.zone):%H:%M}",
    }
    if first:
        ctx.store.audit_log.record(ctx.now, person.name, "alert_acknowledged", alert=alert.id, cause=alert.cause)
        _update_cards(alert, pressed_route, shown, ctx)
    return first, shown


def _update_cards(alert: Alert, pressed: str | None, shown: dict[str, str], ctx: Context) -> None:
    latest = {notice.route: notice for notice in ctx.store.notices.of_alert(alert.id) if _has_card(notice)}
    for route, notice in latest.items():
        if route != pressed:
            code = notice.response_code or ""
            ctx.store.notices.add_follow_up(
                notice, _on_card("alert.card_acknowledged", f"{alert.id}", code, shown, ctx.rules, ctx.now)
            )


def _has_card(notice: Notice) -> bool:
    return bool(notice.response_code) and notice.form == NoticeForm.ALERT


def update_card(
    message: Message,
    card_key: str,
    params: Mapping[str, Any],
    ctx: Context,
    text_key: str = "alert.card_acknowledged",
) -> None:
    """Have the card that was pressed show what became of it."""
    saying = _on_card(text_key, card_key, message.response_code, params, ctx.rules, ctx.now)
    notify_sender(message, ctx.store.register.account_owner(message.realm, message.sender, ctx.now), saying, ctx.store)


def _on_card(
    text_key: str, cause: str, code: str, shown: Mapping[str, Any], rules: RuleBook, now: datetime
) -> NoticeDraft:
    """What a card shows from now on (protocol sheet 4.2: a code serves once)."""
    return NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"card-update/{cause}/{code}",
        night=night_of(now, rules),
        due_at=now,
        params={**shown, "response_code": code},
        form=NoticeForm.CARD_UPDATE,
    )
