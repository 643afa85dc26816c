"""险情: somebody says there is danger. The leader is told at once, whoever says it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from handlers.message import Message
from handlers.replies import add_reply, sender_name
from schedules.alerts.escalation import duty_ladder_at, escalate
from schedules.context import Context
from schedules.notify import notify_system
from schedules.patrol_night import night_of

KEYWORD = "险情"
_DENIED = re.compile(
    r"(无|没有|没|未|不存在|不是|(?<![无没未不法能])(排除|解除))"
    r"(任何|什么|啥|其他|其它|重大|明显|异常|发现|发生|出现|见|有|了|过|新的?)*险情"
    r"|险情(已经|已|都已)?(解除|排除|消除)"
)
# What the same enterprise, or the same unknown person, adds within this time belongs to the same danger.
_SAME_DANGER = timedelta(minutes=30)


def mentions_emergency(text: str) -> bool:
    """True when the word stands there and is not merely denied ("今晚无险情")."""
    return KEYWORD in _DENIED.sub("", text)


def handle(message: Message, ctx: Context) -> None:
    """Open the alert, or add to the one already open, and tell the sender who has been told."""
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    enterprise = enterprises[0] if len(enterprises) == 1 else None
    night = night_of(ctx.now, ctx.rules)
    ctx.store.lock_for_transaction(f"emergency/{enterprise.id if enterprise else message.ordering_key}")
    known = ctx.store.alerts.open_emergency(
        enterprise.id if enterprise else None, message.sender, ctx.now - _SAME_DANGER
    )
    params: dict[str, Any] = {
        "sender": message.sender,
        "sender_name": sender_name(ctx.store, message),
        "mobile": (person.mobile if person else None) or "—",
        "enterprise": "、".join(each.short_name for each in enterprises) or {"say": "emergency.unregistered_person"},
        "text": message.text[:200],
        "time": f"{message.sent_at.astimezone(ctx.rules.zone):%H:%M}",
    }
    if known is None:
        alert = ctx.store.alerts.open(
            f"emergency/{message.channel}/{message.key}",
            "emergency",
            night,
            ctx.now,
            enterprise_id=enterprise.id if enterprise else None,
            params=params,
        )
        if alert is not None:
            escalate(alert, ctx)
    else:
        _pass_on(known.acknowledged_by, message, params, ctx)
    _reassure(message, ctx)


def _pass_on(taken_by: int | None, message: Message, params: dict[str, Any], ctx: Context) -> None:
    """New words on a danger that is already known go to whoever has it, or to the first rung."""
    taker = ctx.store.register.person(taken_by) if taken_by else None
    for person in [taker] if taker else duty_ladder_at(ctx.store, ctx.rules, ctx.now).leader:
        once_key = f"emergency-update/{message.channel}/{message.key}/{person.id}"
        notify_system(person, ctx.store, night_of(ctx.now, ctx.rules), ctx.now, "emergency.update", once_key, **params)


def _reassure(message: Message, ctx: Context) -> None:
    told = duty_ladder_at(ctx.store, ctx.rules, ctx.now).leader
    names = [f"{person.name}（{person.mobile}）" if person.mobile else person.name for person in told[:2]]
    key = "emergency.forwarded" if names else "emergency.forwarded_no_leader"
    # The seconds tell two cries apart: the platform drops the second of two equal answers.
    time = f"{message.sent_at.astimezone(ctx.rules.zone):%H:%M:%S}"
    add_reply(message, ctx, key, leaders=names, time=time)
