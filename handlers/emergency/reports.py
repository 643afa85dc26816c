"""险情: somebody reports an emergency. The duty leader is alerted at once, whoever reports it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from handlers.replies import add_reply, sender_and_enterprises, sender_name
from schedules.alerts.escalation import EMERGENCY, duty_ladder_at, escalate
from schedules.context import Context
from schedules.notify import notify_system
from storage.db.models import Alert

# A further report of the same enterprise, or of the same unknown person, within this time is the same emergency.
_SAME_EMERGENCY = timedelta(minutes=30)


def handle(message: Message, ctx: Context) -> None:
    """Open an alert, or add to the one already open, and tell the sender who has been alerted."""
    person, enterprises = sender_and_enterprises(message, ctx)
    enterprise_id = enterprises[0].id if len(enterprises) == 1 else None
    ctx.store.lock_for_transaction(f"emergency/{enterprise_id or message.ordering_key}")
    open_alert = ctx.store.alerts.open_emergency(enterprise_id, message.sender, ctx.now - _SAME_EMERGENCY)
    params: dict[str, Any] = {
        "sender": message.sender,
        "sender_name": sender_name(message, ctx),
        "mobile": (person.mobile if person else None) or "—",
        "enterprise": "、".join(each.short_name for each in enterprises) or {"say": "emergency.unregistered_person"},
        "text": message.text[:200],
        "time": ctx.rules.clock_time(message.sent_at),
    }
    if open_alert is not None:
        _forward_update(open_alert, message, params, ctx)
    else:
        once_key = f"emergency/{message.channel}/{message.key}"
        alert = ctx.store.alerts.open(
            once_key, EMERGENCY, ctx.night, ctx.now, enterprise_id=enterprise_id, params=params
        )
        if alert is not None:
            escalate(alert, ctx)
    _confirm(message, ctx)


def _forward_update(alert: Alert, message: Message, params: dict[str, Any], ctx: Context) -> None:
    """A further report goes to the person who acknowledged the alert, else to the first rung."""
    responder = ctx.store.register.person(alert.acknowledged_by) if alert.acknowledged_by else None
    for person in [responder] if responder else duty_ladder_at(ctx.now, ctx).leader:
        once_key = f"emergency-update/{message.channel}/{message.key}/{person.id}"
        notify_system(person, ctx, ctx.night, "emergency.update", once_key, **params)


def _confirm(message: Message, ctx: Context) -> None:
    leaders = duty_ladder_at(ctx.now, ctx).leader
    names = [f"{person.name}（{person.mobile}）" if person.mobile else person.name for person in leaders[:2]]
    text_key = "emergency.forwarded" if names else "emergency.forwarded_no_leader"
    # The seconds make two confirmations differ: the platform drops the second of two equal messages.
    time = f"{message.sent_at.astimezone(ctx.rules.zone):%H:%M:%S}"
    add_reply(message, ctx, text_key, leaders=names, time=time)
