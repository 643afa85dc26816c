"""Emergency reports: the duty leader is alerted at once, for any sender."""

from __future__ import annotations

from typing import Any

from handlers.alerts.answering import holders, name_with_mobile, tell_person
from handlers.emergency.recognition import Certainty, Vocabulary, recognize_emergency
from handlers.message import Message
from handlers.replies import add_reply, sender_and_enterprises, sender_name, sender_of
from schedules.alerts.escalation import duty_ladder_at, escalate
from schedules.context import Context
from storage.alerts import EMERGENCY, REPORT
from storage.db.models import Alert, Enterprise
from storage.register_terms import RESPONSIBLE_ROLES

_MAX_LENGTH = 200
# How many of the enterprise's last films and of its people an alert names.
_MAX_FILMS, _MAX_CONTACTS = 3, 4


def handle(message: Message, ctx: Context) -> None:
    """Open an alert, or add to the one that is open, and tell the sender who has been alerted."""
    alert, is_new = open_or_join(message, message.text[:_MAX_LENGTH], ctx)
    if alert is not None:
        if alert.held_until is not None and alert.held_until > ctx.now:
            alert.held_until, is_new = ctx.now, True
        if is_new:
            escalate(alert, ctx)
        else:
            tell_holders(alert, message, message.text[:_MAX_LENGTH], ctx)
    confirm(message, ctx)


def recognize(message: Message, ctx: Context) -> Certainty:
    """With the words that the office has added, and the names of the sender's parts."""
    rules, (_, enterprises) = ctx.rules.for_night(ctx.night), sender_and_enterprises(message, ctx)
    parts = tuple(part.name for each in enterprises for part in ctx.store.register.parts_of(each.id))
    return recognize_emergency(message.text, Vocabulary(rules.emergency_words, rules.harmless_words, parts))


def open_or_join(message: Message, text: Any, ctx: Context, **values: Any) -> tuple[Alert | None, bool]:
    """The open emergency of the sender's enterprise, else a new one, and whether it is new; its record has the report.

    None when the message is a repeat of one whose alert is closed.
    """
    person, enterprises = sender_and_enterprises(message, ctx)
    enterprise = enterprises[0] if len(enterprises) == 1 else None
    ctx.store.lock_for_transaction(f"emergency/{enterprise.id if enterprise else message.ordering_key}")
    enterprise_id = enterprise.id if enterprise else None
    alert, is_new = ctx.store.alerts.open_emergency(enterprise_id, message.realm, message.sender), False
    if alert is None:
        params = {
            "sender": message.sender,
            "sender_name": sender_name(message, ctx),
            "mobile": (person.mobile if person else None) or "—",
            "enterprise": "、".join(each.short_name for each in enterprises)
            or {"say": "emergency.unregistered_person"},
            "text": text,
            "time": ctx.rules.clock_time(message.sent_at),
            "doubt": "",
            "details": _details(enterprise, ctx) if enterprise else "",
            **_last_page(enterprise, ctx),
        }
        values = {"enterprise_id": enterprise_id, "params": params, **values}
        once_key = f"emergency/{message.channel}/{message.key}"
        alert, is_new = ctx.store.alerts.open(once_key, EMERGENCY, ctx.night, ctx.now, **values), True
    if alert is not None:
        record(alert, REPORT, message, message.text[:_MAX_LENGTH], ctx)
    return alert, is_new


def _details(enterprise: Enterprise, ctx: Context) -> dict[str, Any]:
    """Whom to call at the enterprise, and its last films."""
    people = ctx.store.register.employees([enterprise.id]).get(enterprise.id, [])
    in_charge = sorted(people, key=lambda person: not person.has_role(*RESPONSIBLE_ROLES))
    contacts = [name_with_mobile(each) for each in in_charge if each.mobile][:_MAX_CONTACTS]
    parts = ctx.store.register.part_names()
    films = [
        {"say": "emergency.film", "part": parts.get(film.part_id or 0, ""), "time": ctx.rules.clock_time(film.sent_at)}
        for film in _last_films(enterprise, ctx)
    ]
    nothing = {"say": "status.none"}
    return {"say": "emergency.details", "contacts": contacts or nothing, "films": films or nothing}


def _last_films(enterprise: Enterprise, ctx: Context) -> list[Any]:
    films = ctx.store.submissions.of_enterprise_between(enterprise.id, ctx.night, ctx.night)
    return [each for each in films if each.state == "filed"][:_MAX_FILMS]


def _last_page(enterprise: Enterprise | None, ctx: Context) -> dict[str, Any]:
    """The page of the last film, which a card opens and a text ends with."""
    films = _last_films(enterprise, ctx) if enterprise else []
    return {"page": [films[0].night.isoformat(), films[0].receipt]} if films else {}


def record(
    alert: Alert, kind: str, message: Message, text: str, ctx: Context, submission_id: int | None = None
) -> bool:
    """Put what the sender of a message reports on the record of the alert; False for a repeated message."""
    person = sender_of(message, ctx)
    return ctx.store.alerts.record(
        f"{kind}/{message.channel}/{message.key}",
        alert.id,
        kind,
        message.sent_at,
        sender_name(message, ctx),
        text,
        person_id=person.id if person else None,
        submission_id=submission_id,
        channel=message.channel,
        realm=message.realm,
        sender=message.sender,
        chat_id=message.chat_id or None,
        inbox_id=message.inbox_id,
    )


def tell_holders(alert: Alert, message: Message, text: Any, ctx: Context, *, over: bool = False) -> list[str]:
    """Pass on what a reporter sends to those who hold the alert; their names."""
    person = sender_of(message, ctx)
    params = {
        "enterprise": alert.params["enterprise"],
        "sender_name": sender_name(message, ctx),
        "mobile": (person.mobile if person else None) or "—",
        "time": ctx.rules.clock_time(message.sent_at),
        "text": text,
    }
    people, text_key = holders(alert, ctx), "emergency.said_over" if over else "emergency.update"
    for each in people:
        tell_person(each, alert, text_key, f"update/{message.channel}/{message.key}", ctx, **params)
    return [name_with_mobile(each) for each in people[:2]]


def confirm(message: Message, ctx: Context) -> None:
    """Tell the sender that the emergency was passed on, and to whom."""
    leaders = duty_ladder_at(ctx.now, ctx).leader
    names = [name_with_mobile(person) for person in leaders[:2]]
    text_key = "emergency.forwarded" if names else "emergency.forwarded_no_leader"
    add_reply(message, ctx, text_key, leaders=names, time=sent_time(message, ctx))


def sent_time(message: Message, ctx: Context) -> str:
    """With its seconds, which make two confirmations differ: the platform drops the second of two equal messages."""
    return f"{message.sent_at.astimezone(ctx.rules.zone):%H:%M:%S}"
