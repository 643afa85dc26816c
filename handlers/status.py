"""How tonight stands: for a patroller his own enterprise, for the office the county."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from handlers.answers import answer, sender_of
from handlers.message import Message
from handlers.naming import named_part, without_enterprise
from handlers.pairing import WITHIN
from schedules.nights import judged
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from schedules.telling import reply
from storage.models import Enterprise, Notice
from storage.notices import Saying
from storage.store import Store

_NAMES_SHOWN = 40
_SETTLING = timedelta(seconds=5)


def tonight(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    """Answer 查询 or 今晚."""
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = store.register.enterprises_of(person.id) if person else []
    night = night_of(now, rules)
    if not enterprises:
        return _county(message, store, rules, now)
    lines = [line for each in enterprises for line in _own(each.id, store, rules, now)]
    return answer(message, store, rules, now, "status.own", night=f"{night:%m-%d}", lines=lines)


def _own(enterprise_id: int, store: Store, rules: RuleBook, now: datetime) -> list[dict[str, Any]]:
    night = night_of(now, rules)
    lines = []
    for each in judged(store, night, rules, now, enterprise_id).enterprises:
        missing = [f"{part.number} {part.name}" for part in each.missing_parts]
        due = len(each.enterprise.due_parts)
        rest = {"say": "receipt.missing", "parts": missing} if missing else {"say": "receipt.complete"}
        facts = {"enterprise": each.enterprise.short_name, "done": due - len(missing), "total": due, "rest": rest}
        lines.append({"say": "status.enterprise", **facts})
    return lines


def _county(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    night = night_of(now, rules)
    whole = judged(store, night, rules, now)
    names = [each.enterprise.short_name for each in whole.accountable]
    answer(
        message, store, rules, now, "status.county", night=f"{night:%m-%d}", counts=whole.counts,
        owing=len(names), names=names[:_NAMES_SHOWN] or [{"say": "status.nobody"}],
    )  # fmt: skip


def heard_word(
    message: Message, named: Enterprise | None, enterprises: list[Enterprise], store: Store, rules: RuleBook,
    now: datetime,
) -> None:  # fmt: skip
    """A word that found no film is answered too, unless a film turns up for it in the next moments."""
    if _films_near(message.realm, message.sender, message.sent_at, store, rules):
        return
    since = message.sent_at.isoformat()
    params = {"part": _label(message, named, enterprises, store)}
    saying = Saying(
        kind="system",
        text_key="status.heard_word",
        once_key=f"word/{message.channel}/{message.key}",
        night=night_of(now, rules),
        due_at=now + _SETTLING,
        params={**params, "sender": message.sender, "realm": message.realm, "since": since},
        still="word",
        expires_at=now + WITHIN,
    )
    reply(message, sender_of(store, message), saying, store)


def _label(message: Message, named: Enterprise | None, enterprises: list[Enterprise], store: Store) -> str:
    """What was understood: the part, or only the enterprise, or as much as was said."""
    found = [
        named_part(without_enterprise(message.text, each), store.register.parts_of(each.id)) for each in enterprises
    ]
    labels = [f"{part.number} {part.name}" for part in found if part]
    return labels[0] if len(labels) == 1 else named.short_name if named and not labels else message.text[:20]


def still_without_film(notice: Notice, store: Store, rules: RuleBook, now: datetime) -> dict[str, Any] | None:
    """The word is worth answering only while no film of its sender has gone with it."""
    since = datetime.fromisoformat(notice.params["since"])
    near = _films_near(notice.params["realm"], notice.params["sender"], since, store, rules)
    return None if near else notice.params


def _films_near(realm: str, sender: str, instant: datetime, store: Store, rules: RuleBook) -> bool:
    films = store.submissions.of_sender(realm, sender, night_of(instant, rules))
    return any(abs(film.sent_at - instant) <= WITHIN for film in films)
