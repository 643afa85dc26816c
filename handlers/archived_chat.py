"""What people say to each other in their group, and we only overhear: films are taken in, words help to place them.

Nobody spoke to us, so nobody is told that we did not understand. Whoever films for an enterprise hears of his film by
the door that reaches him.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import emergency, events, films
from handlers.attribution import attribute_films
from handlers.message import MediaFetch, Message
from handlers.part_names import find_part, strip_enterprise_name
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.store import Store

# The archive's past is read out when it is opened: a danger of long ago is no alarm now.
_FRESH = timedelta(hours=1)


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> MediaFetch | None:
    """A film is filed like any other; a word that names a part, or danger, counts; all else is none of our business."""
    if message.kind == "film":
        return films.handle(message, store, rules, now)
    if message.kind == "event":
        events.handle(message, store, rules, now)
    if message.kind == "text":
        _word(message, store, rules, now)
    return None


def _word(message: Message, store: Store, rules: RuleBook, now: datetime) -> None:
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    enterprises = store.register.enterprises_of(person.id) if person else []
    if enterprises and emergency.mentions_emergency(message.text) and now - message.sent_at < _FRESH:
        emergency.handle(message, store, rules, now)
    if any(find_part(strip_enterprise_name(message.text, of), store.register.parts_of(of.id)) for of in enterprises):
        store.submissions.add_text(
            channel=message.channel, message_key=message.key, inbox_id=message.inbox_id, realm=message.realm,
            sender=message.sender, sent_at=message.sent_at, text=message.text,
        )  # fmt: skip
        attribute_films(store, rules, message.realm, message.sender, night_of(message.sent_at, rules), now)
