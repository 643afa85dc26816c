"""A text: an emergency, a binding code, a command, an answer, the name of a part, or anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from handlers import bindings, corrections, enrolment, small_talk, status, upload_links, urging
from handlers.alerts import acknowledging, resolving
from handlers.attribution import attribute_films, names_part, store_text
from handlers.emergency import doubts, reports, updates
from handlers.emergency.recognition import Certainty
from handlers.hazards import chat as hazard_chat
from handlers.hazards import reporting
from handlers.message import Message
from handlers.part_names import find_enterprise, normalize_text, parse_part_number
from handlers.replies import add_rate_limited_reply, add_reply, sender_and_enterprises, sender_name, sender_of
from handlers.review import chat
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import Alert, Enterprise, Person
from storage.register_terms import DUTY_LEADER, OFFICE_ROLES, PATROLLER, RESPONSIBLE_ROLES

Command = Callable[[Message, Context], None]


def _help(message: Message, ctx: Context) -> None:
    """帮助: what the sender can do here."""
    add_reply(message, ctx, _help_key(message, ctx), **_help_params(ctx))


def _help_key(message: Message, ctx: Context) -> str:
    person = sender_of(message, ctx)
    roles = set(person.roles) if person else set()
    if DUTY_LEADER in roles:
        return "help.leader"
    if roles & set(OFFICE_ROLES):
        return "help.office"
    return "help.head" if roles & set(RESPONSIBLE_ROLES) and PATROLLER not in roles else "help.commands"


def _help_params(ctx: Context) -> dict[str, Any]:
    return {"seconds": round(ctx.rules.for_night(ctx.night).shortest_film_s)}


def _forward_request(message: Message, ctx: Context) -> None:
    """停产, 复产 and 换人 need the office's consent: forward the request and confirm it."""
    person = sender_of(message, ctx)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    once_key = f"office-request/{message.channel}/{message.key}"
    notify_office(
        ctx,
        ctx.night,
        "office.request",
        once_key,
        sender_name=sender_name(message, ctx),
        enterprises=[enterprise.short_name for enterprise in enterprises] or ["—"],
        text=message.text[:200],
    )
    add_reply(message, ctx, "office.request_forwarded")


# Commands for the office may be followed by further text; the others are the whole message.
_OFFICE_REQUESTS = ("停产", "复产", "换人")
# The same in a sentence: 我们厂今天停产了.
_REPORTED_STATUS = re.compile(
    r"(?:我们?|咱们?|本)?(?:厂|公司|企业|单位|车间|这边|这里|家)?(?:从?(?:今|明)(?:天|晚|日|夜)起?|现在|目前|已经|已|要|开始|全厂|检修)*"
    r"(?:停产|停工|停车|恢复生产|复产|复工|开工)(?:了|检修|大修|\d*[天日]|[,，。.!！]|一?段时间)*"
)
COMMANDS: dict[str, Command] = {
    "帮助": _help,
    "查询": status.handle_status_query,
    "今晚": status.handle_status_query,
    "补报": status.handle_status_query,
    "审看": chat.start_review,
    "撤销绑定": bindings.undo_by_text,
}
# Answers to an alert, which may be followed by a note or an outcome.
_ALERT_ANSWERS = {
    **dict.fromkeys(acknowledging.KEYWORDS, acknowledging.acknowledge_by_text),
    **dict.fromkeys(resolving.KEYWORDS, resolving.resolve_by_text),
    resolving.WORKING_KEYWORD: resolving.keep_by_text,
}
_PUNCTUATION = " 。.!！:：,，、"


def handle(message: Message, ctx: Context) -> None:
    """Emergencies first, then commands and answers, then names of parts; anything else is answered with help."""
    person, text = sender_of(message, ctx), normalize_text(message.text)
    if doubts.handle_answer(message, ctx):
        return None
    certainty, open_alert = reports.recognize(message, ctx), updates.open_report(message, ctx)
    is_verdict = person is not None and message.text.strip().startswith(tuple(chat.VERDICT_OF_TEXT))
    if certainty is Certainty.SURE and open_alert is None and not is_verdict:
        return reports.handle(message, ctx)
    if enrolment.parse_binding_code(message.text):
        return enrolment.handle_binding(message, ctx)
    command = COMMANDS.get(text.strip("。.!！")) if person else None
    if command is not None:
        return command(message, ctx)
    if open_alert is not None:
        return _handle_during_emergency(open_alert, message, ctx)
    if person is None:
        if certainty is Certainty.NONE:
            return add_rate_limited_reply(message, ctx, "stranger.text")
        doubts.ask(message, ctx)
        return None
    return _handle_of_known(message, person, certainty, ctx)


def _handle_during_emergency(alert: Alert, message: Message, ctx: Context) -> None:
    """Everything goes to those who hold the alert; what names a part still tells what a film shows."""
    updates.forward_text(alert, message, ctx)
    _, enterprises = sender_and_enterprises(message, ctx)
    if any(names_part(message.text, enterprise, ctx.store) for enterprise in enterprises):
        store_text(message, ctx)
        attribute_films(ctx, message.realm, message.sender, night_of(message.sent_at, ctx.rules))


def _handle_of_known(message: Message, person: Person, certainty: Certainty, ctx: Context) -> None:
    text = normalize_text(message.text)
    for keyword, answer in _ALERT_ANSWERS.items():
        if text.startswith(keyword):
            return answer(message, message.text.strip().removeprefix(keyword).strip(_PUNCTUATION), ctx)
    if resolving.record_outcome(message, person, ctx):
        return None
    if certainty is not Certainty.NONE and reporting.is_report(message.text):
        doubts.ask(message, ctx)
    if hazard_chat.handle_text(message, person, ctx):
        return None
    if text.startswith(_OFFICE_REQUESTS) or _REPORTED_STATUS.fullmatch(text):
        return _forward_request(message, ctx)
    if text.startswith(upload_links.KEYWORD):
        return upload_links.handle(message, ctx)
    if text.startswith("绑定"):
        return add_reply(message, ctx, "enrolment.instructions")
    if certainty is Certainty.NONE and _handle_chat(message, person, ctx):
        return None
    if chat.handle_reviewer_text(message, person, ctx):
        return None
    if certainty is not Certainty.NONE:
        doubts.ask(message, ctx)
    return _handle_name(message, person, ctx, is_answered=certainty is not Certainty.NONE)


def _handle_chat(message: Message, person: Person, ctx: Context) -> bool:
    return (
        urging.handle(message, person, ctx)
        or corrections.handle(message, person, ctx)
        or small_talk.handle(message, ctx)
    )


def _handle_name(message: Message, person: Person, ctx: Context, *, is_answered: bool) -> None:
    """The text may name a part or, for a person of several enterprises, the enterprise of tonight's films."""
    enterprises = ctx.store.register.enterprises_of(person.id)
    night = night_of(message.sent_at, ctx.rules)
    named = find_enterprise(message.text, enterprises) if len(enterprises) > 1 else None
    if named is not None:
        ctx.store.submissions.choose_enterprise(person.id, night, named.id)
    candidates = [named] if named else enterprises
    part_named = any(names_part(message.text, enterprise, ctx.store) for enterprise in candidates)
    text_id = store_text(message, ctx) if part_named else None
    if not part_named and named is None:
        return None if is_answered else _not_understood(message, enterprises, ctx)
    paired = attribute_films(ctx, message.realm, message.sender, night)
    if text_id not in paired and not is_answered:
        status.add_unpaired_text_reply(message, named, candidates, ctx)
    return None


def _not_understood(message: Message, enterprises: list[Enterprise], ctx: Context) -> None:
    if parse_part_number(message.text) is None or not enterprises:
        return add_rate_limited_reply(message, ctx, _help_key(message, ctx), **_help_params(ctx))
    parts = [part.label for each in enterprises for part in ctx.store.register.parts_of(each.id)]
    return add_reply(message, ctx, "question.no_such_part", text=message.text[:20], parts=parts)
