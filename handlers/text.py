"""A text: a word that names a part, a small vocabulary, or talk."""

from __future__ import annotations

from collections.abc import Callable

from handlers import alerts, emergency, enrolment, rectification, status, upload_links
from handlers.attribution import attribute_films
from handlers.message import Message
from handlers.part_names import find_enterprise, find_part, normalize_text, parse_part_number, strip_enterprise_name
from handlers.replies import add_rate_limited_reply, add_reply, sender_name
from handlers.review import chat
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import Enterprise, Person
from storage.store import Store

Command = Callable[[Message, Context], None]


def _help(message: Message, ctx: Context) -> None:
    add_rate_limited_reply(
        message,
        ctx,
        "help.commands",
        seconds=round(ctx.rules.for_night(night_of(ctx.now, ctx.rules)).shortest_film_s),
    )


def _to_office(message: Message, ctx: Context) -> None:
    """停产, 复产, 换人 need the office's yes: pass the wish on, and say so."""
    night = night_of(ctx.now, ctx.rules)
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = ctx.store.register.enterprises_of(person.id) if person else []
    names = [enterprise.short_name for enterprise in enterprises] or ["—"]
    once_key = f"office-request/{message.channel}/{message.key}"
    notify_office(
        ctx.store,
        night,
        ctx.now,
        "office.request",
        once_key,
        sender_name=sender_name(ctx.store, message),
        enterprises=names,
        text=message.text[:200],
    )
    add_reply(message, ctx, "office.request_forwarded")


# Words that are the whole message; longer ones are looked for at its beginning.
COMMANDS: dict[str, Command] = {
    "帮助": _help,
    "查询": status.handle_status_query,
    "今晚": status.handle_status_query,
    "补报": status.handle_status_query,
    "停产": _to_office,
    "复产": _to_office,
    "换人": _to_office,
    "已知悉": alerts.acknowledge_by_text,
    "知悉": alerts.acknowledge_by_text,
    "审看": chat.start_review,
}


def handle(message: Message, ctx: Context) -> None:
    """Danger before all, then the vocabulary, then names of parts; whatever else is answered with help."""
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    said = normalize_text(message.text)
    if emergency.mentions_emergency(message.text):
        return emergency.handle(message, ctx)
    if enrolment.parse_binding_code(message.text):
        return enrolment.handle_binding(message, ctx)
    if person is None:
        return add_rate_limited_reply(message, ctx, "stranger.text")
    command = COMMANDS.get(said.strip("。.!！")) or (_to_office if said.startswith(("停产", "复产", "换人")) else None)
    if command is not None:
        return command(message, ctx)
    if said.startswith(upload_links.KEYWORD):
        return upload_links.handle(message, ctx)
    if said.startswith("绑定"):
        return add_reply(message, ctx, "enrolment.instructions")
    if any(heard(message, person, ctx) for heard in (chat.handle_reviewer_text, rectification.record_text_answer)):
        return None
    return _word(message, person, ctx)


def _word(message: Message, person: Person, ctx: Context) -> None:
    """Perhaps the words name a part, or the enterprise for which somebody of two films tonight."""
    enterprises = ctx.store.register.enterprises_of(person.id)
    night = night_of(message.sent_at, ctx.rules)
    named = find_enterprise(message.text, enterprises) if len(enterprises) > 1 else None
    if named is not None:
        ctx.store.submissions.choose_enterprise(person.id, night, named.id)
    in_question = [named] if named else enterprises
    part_named = any(_names_part(message.text, enterprise, ctx.store) for enterprise in in_question)
    word_id = None
    if part_named:
        word_id = ctx.store.submissions.add_text(
            channel=message.channel,
            message_key=message.key,
            inbox_id=message.inbox_id,
            realm=message.realm,
            sender=message.sender,
            sent_at=message.sent_at,
            text=message.text,
        )
    if not part_named and named is None:
        return _not_understood(message, enterprises, ctx)
    used = attribute_films(ctx, message.realm, message.sender, night)
    if word_id not in used:
        status.add_unpaired_text_reply(message, named, in_question, ctx)
    return None


def _names_part(text: str, enterprise: Enterprise, store: Store) -> bool:
    return find_part(strip_enterprise_name(text, enterprise), store.register.parts_of(enterprise.id)) is not None


def _not_understood(message: Message, enterprises: list[Enterprise], ctx: Context) -> None:
    if parse_part_number(message.text) is None or not enterprises:
        return _help(message, ctx)
    parts = [f"{part.number} {part.name}" for each in enterprises for part in ctx.store.register.parts_of(each.id)]
    return add_reply(message, ctx, "question.no_such_part", text=message.text[:20], parts=parts)
