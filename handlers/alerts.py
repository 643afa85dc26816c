"""Answering an alert: by its button, or by the word 已知悉 where no card was shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers.message import Message
from handlers.replies import add_reply
from schedules.notify import notify_sender, reply_route
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Alert, Notice, Person
from storage.notices import NoticeDraft
from storage.store import Store


def acknowledge_by_button(message: Message, notice_id: int, store: Store, rules: RuleBook, now: datetime) -> None:
    """The first button of an alert's card was pressed."""
    notice = store.notices.get(notice_id)
    alert = store.alerts.get(notice.alert_id) if notice and notice.alert_id else None
    person = store.register.account_owner(message.realm, message.sender, now)
    if alert is None or person is None:
        return add_reply(message, store, rules, now, "alert.unknown")
    _take(alert, person, message, store, rules, now)
    return None


def acknowledge_by_text(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """The same by a text, for clients that show no cards: it answers the latest alert its sender was told of."""
    person = store.register.account_owner(message.realm, message.sender, now)
    alerts = [
        alert
        for alert in store.alerts.unacknowledged()
        if person and any(notice.person_id == person.id for notice in store.notices.of_alert(alert.id))
    ]
    if not alerts or person is None:
        return add_reply(message, store, rules, now, "alert.nothing_open")
    _take(alerts[-1], person, message, store, rules, now)
    return add_reply(message, store, rules, now, "alert.taken")


def _take(alert: Alert, person: Person, message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    pressed = reply_route(message) if message.response_code else None
    first, shown = acknowledge_alert(alert, person, store, rules, now, pressed)
    if message.response_code:
        update_card(message, f"{alert.id}" if first else f"{message.key}", shown, store, rules, now)
    if not first:
        add_reply(message, store, rules, now, "alert.already_taken", **shown)


def acknowledge_alert(
    alert: Alert, person: Person, store: Store, rules: RuleBook, now: datetime, pressed_route: str | None = None
) -> tuple[bool, dict[str, str]]:  # fmt: skip
    """Stop the ladder in a person's name, wherever it was said; whether nobody was faster, and what is shown of it.

    Every card of the alert shows it but the one on the route where it was `pressed`, which has a fresher code.
    """
    first = store.alerts.acknowledge(alert.id, person.id, now)
    taken = store.alerts.get(alert.id)
    assert taken is not None
    assert taken.acknowledged_at is not None
    taker = store.register.person(taken.acknowledged_by or person.id)
    shown = {"who": taker.name if taker else "", "time": f"{taken.acknowledged_at.astimezone(rules.zone):%H:%M}"}
    if first:
        store.audit_log.record(now, person.name, "acknowledged", alert=alert.id, cause=alert.cause)
        _update_cards(alert, pressed_route, shown, store, rules, now)
    return first, shown


def _update_cards(
    alert: Alert, pressed: str | None, shown: dict[str, str], store: Store, rules: RuleBook, now: datetime
) -> None:
    latest = {notice.route: notice for notice in store.notices.of_alert(alert.id) if _has_card(notice)}
    for route, notice in latest.items():
        if route != pressed:
            code = notice.response_code or ""
            store.notices.add_follow_up(notice, _on_card("alert.card_taken", f"{alert.id}", code, shown, rules, now))


def _has_card(notice: Notice) -> bool:
    return bool(notice.response_code) and notice.form == "alert"


def update_card(
    message: Message, card_key: str, params: Mapping[str, Any], store: Store, rules: RuleBook, now: datetime,
    text_key: str = "alert.card_taken",
) -> None:  # fmt: skip
    """Have the card that was pressed show what became of it."""
    saying = _on_card(text_key, card_key, message.response_code, params, rules, now)
    notify_sender(message, store.register.account_owner(message.realm, message.sender, now), saying, store)


def _on_card(
    text_key: str, cause: str, code: str, shown: Mapping[str, Any], rules: RuleBook, now: datetime
) -> NoticeDraft:
    """What a card shows from now on (protocol sheet 4.2: a code serves once)."""
    return NoticeDraft(
        kind="system", text_key=text_key, once_key=f"card/{cause}/{code}", night=night_of(now, rules), due_at=now,
        params={**shown, "response_code": code}, form="card_update",
    )  # fmt: skip
