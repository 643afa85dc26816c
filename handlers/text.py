"""A text: a word that names a part, a small vocabulary, or talk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from handlers import alerts, emergency, enrolment, rectification, status, upload_links
from handlers.attribution import attribute_films
from handlers.message import Message
from handlers.part_names import find_enterprise, find_part, normalize_text, parse_part_number, strip_enterprise_name
from handlers.replies import add_rate_limited_reply, add_reply, sender_name
from handlers.review import chat
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Enterprise, Person
from storage.store import Store

Command = Callable[[Message, Store, RuleBook, datetime], None]


def _help(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    add_rate_limited_reply(
        message,
        store,
        rules,
        now,
        "help.commands",
        seconds=round(rules.for_night(night_of(now, rules)).shortest_film_s),
    )


def _to_office(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """停产, 复产, 换人 need the office's yes: pass the wish on, and say so."""
    night = night_of(now, rules)
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = store.register.enterprises_of(person.id) if person else []
    names = [enterprise.short_name for enterprise in enterprises] or ["—"]
    once_key = f"wish/{message.channel}/{message.key}"
    notify_office(
        store, night, now, "office.wish", once_key, who=sender_name(store, message), enterprises=names,
        words=message.text[:200],
    )  # fmt: skip
    add_reply(message, store, rules, now, "office.passed_on")


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


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """Danger before all, then the vocabulary, then names of parts; whatever else is answered with help."""
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    said = normalize_text(message.text)
    if emergency.mentions_emergency(message.text):
        return emergency.handle(message, store, rules, now)
    if enrolment.parse_binding_code(message.text):
        return enrolment.handle_binding(message, store, rules, now)
    if person is None:
        return add_rate_limited_reply(message, store, rules, now, "stranger.text")
    command = COMMANDS.get(said.strip("。.!！")) or (_to_office if said.startswith(("停产", "复产", "换人")) else None)
    if command is not None:
        return command(message, store, rules, now)
    if said.startswith(upload_links.KEYWORD):
        return upload_links.handle(message, store, rules, now)
    if said.startswith("绑定"):
        return add_reply(message, store, rules, now, "enrolment.how")
    if any(
        heard(message, person, store, rules, now)
        for heard in (chat.handle_reviewer_text, rectification.record_text_answer)
    ):
        return None
    return _word(message, person, store, rules, now)


def _word(message: Message, person: Person, store: Store, rules: RuleBook, now: datetime) -> None:
    """Perhaps the words name a part, or the enterprise for which somebody of two films tonight."""
    enterprises = store.register.enterprises_of(person.id)
    night = night_of(message.sent_at, rules)
    named = find_enterprise(message.text, enterprises) if len(enterprises) > 1 else None
    if named is not None:
        store.submissions.choose_enterprise(person.id, night, named.id)
    in_question = [named] if named else enterprises
    part_named = any(_names_part(message.text, enterprise, store) for enterprise in in_question)
    word_id = None
    if part_named:
        word_id = store.submissions.add_text(
            channel=message.channel, message_key=message.key, inbox_id=message.inbox_id, realm=message.realm,
            sender=message.sender, sent_at=message.sent_at, text=message.text,
        )  # fmt: skip
    if not part_named and named is None:
        return _not_understood(message, enterprises, store, rules, now)
    used = attribute_films(store, rules, message.realm, message.sender, night, now)
    if word_id not in used:
        status.add_unpaired_text_reply(message, named, in_question, store, rules, now)
    return None


def _names_part(text: str, enterprise: Enterprise, store: Store) -> bool:
    return find_part(strip_enterprise_name(text, enterprise), store.register.parts_of(enterprise.id)) is not None


def _not_understood(
    message: Message, enterprises: list[Enterprise], store: Store, rules: RuleBook, now: datetime
) -> None:
    if parse_part_number(message.text) is None or not enterprises:
        return _help(message, store, rules, now)
    parts = [f"{part.number} {part.name}" for each in enterprises for part in store.register.parts_of(each.id)]
    return add_reply(message, store, rules, now, "question.no_such_part", words=message.text[:20], parts=parts)
