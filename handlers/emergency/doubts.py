"""A message that may report an emergency: its sender is asked with one tap, and the alert is held meanwhile.

Without an answer the alert is raised by itself (规则 存疑等待分钟): silence must not end it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handlers.alerts.answering import may_answer
from handlers.cards import update_card
from handlers.emergency import updates
from handlers.emergency.reports import confirm, open_or_join
from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_reply, current_owner, sender_of
from schedules.alerts.escalation import escalate
from schedules.context import Context
from schedules.notify import notify_sender
from storage.db.models import Alert
from storage.notices import NoticeDraft, NoticeForm
from storage.priority import Priority

YES, NO = "yes", "no"
DENIED = "not an emergency"
_YES = re.compile(r"^(1|是|是的|是险情|对|马上报|是险情马上报)$")
_NO = re.compile(r"^(不是|不|否|没有|没事|没事的?|误报|不是险情|发错了|打错了)了?$")
# A card has room for so much of the message that its sender is asked about.
_MAX_LENGTH = 60
_EXPIRES_AFTER = timedelta(hours=1)


def ask(message: Message, ctx: Context, what: dict[str, Any] | None = None) -> Alert | None:
    """Hold an alert and ask the sender about it; None if it adds to one that is open already.

    `what` stands for a message without words.
    """
    text = what or message.text[:_MAX_LENGTH]
    held_until = ctx.now + ctx.rules.for_night(ctx.night).ask_before_alert
    alert, is_new = open_or_join(message, text, ctx, held_until=held_until)
    if alert is None or not is_new:
        if alert is not None and alert.rung >= 0 and message.kind == "text":
            updates.forward_text(alert, message, ctx)
        return None
    alert.params = {**alert.params, "doubt": {"say": "emergency.unanswered"}}
    minutes = round((held_until - ctx.now).total_seconds() / 60)
    params = {"text": text, "minutes": minutes, **question(alert)}
    cards = ((NoticeForm.BUTTONS, "emergency.ask_card", "/card"), (NoticeForm.TEXT, "emergency.ask", ""))
    for form, text_key, suffix in cards:
        draft = NoticeDraft(
            kind="question",
            text_key=text_key,
            once_key=f"emergency-question/{alert.id}{suffix}",
            night=alert.night,
            due_at=ctx.now,
            params=params,
            form=form,
            expires_at=ctx.now + _EXPIRES_AFTER,
            priority=Priority.EMERGENCY,
        )
        notify_sender(message, sender_of(message, ctx), draft, ctx.store)
    return alert


def question(alert: Alert) -> dict[str, Any]:
    """The buttons of a card that asks whether it is an emergency."""
    choices = [[f"emergency:{alert.id}:{answer}", {"say": f"emergency.{answer}_button"}] for answer in (YES, NO)]
    return {"subject": f"emergency-{alert.id}", "choices": choices}


def held_alert(message: Message, ctx: Context) -> Alert | None:
    """The alert about which the sender of a message is being asked."""
    alert = ctx.store.alerts.reported_by(message.realm, message.sender)
    is_held = alert is not None and alert.rung < 0 and alert.held_until is not None
    return alert if is_held else None


def handle_answer(message: Message, ctx: Context) -> bool:
    """Whether a text answered the question, for clients that show no buttons."""
    alert, text = held_alert(message, ctx), normalize_text(message.text).strip("。.!！,，")
    if alert is None or not (_YES.match(text) or _NO.match(text)):
        return False
    _answer(alert, YES if _YES.match(text) else NO, message, ctx)
    return True


def answer_by_button(message: Message, alert_id: int, answer: str, ctx: Context) -> None:
    """A button of the question: pressed by the sender, or by a person who was asked to listen to a voice message."""
    alert, person = ctx.store.alerts.get(alert_id), current_owner(message, ctx)
    own = ctx.store.alerts.reported_by(message.realm, message.sender)
    is_own = own is not None and own.id == alert_id
    if alert is None or not (is_own or (person and may_answer(person, alert, ctx))):
        return add_reply(message, ctx, "alert.not_found")
    update_card(message, f"emergency/{alert.id}/{message.key}", {}, ctx, f"emergency.card_{answer}")
    if alert.closed_at is not None:
        return add_reply(message, ctx, "emergency.answered_already")
    if alert.rung >= 0:  # raised by itself meanwhile
        return confirm(message, ctx) if answer == YES else updates.forward_text(alert, _as_text(message), ctx)
    return _answer(alert, answer, message, ctx)


def _as_text(message: Message) -> Message:
    return replace(message, text="不是险情")


def _answer(alert: Alert, answer: str, message: Message, ctx: Context) -> None:
    if answer == NO:
        alert.closed_at, alert.closed_reason = ctx.now, DENIED
        return add_reply(message, ctx, "emergency.denied")
    alert.held_until, alert.params = ctx.now, {**alert.params, "doubt": ""}
    escalate(alert, ctx)
    return confirm(message, ctx)
