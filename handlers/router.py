"""Which handler answers which message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from handlers import (
    archived_chat,
    contact_tracking,
    events,
    films,
    group_binding,
    photo,
    text,
    unsupported,
    upload_links,
)
from handlers.message import OVERHEARD, Fetch, Message
from schedules.rules import RuleBook
from storage.store import Store

Handler = Callable[[Message, Store, RuleBook, datetime], Fetch | None]

ROUTES: dict[str, Handler] = {
    "film": films.handle,
    "photo": photo.handle,
    "file": unsupported.file,
    "text": text.handle,
    "press": events.pressed,
    "event": events.handle,
    "voice": unsupported.voice,
    "too_large": upload_links.too_large,
    "location": unsupported.unreadable,
    "link": unsupported.unreadable,
    "unknown": unsupported.unreadable,
}


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> Fetch | None:
    """Hand a message to its handler; what must be fetched for it, if anything."""
    store.one_at_a_time(message.lane)
    if message.channel in OVERHEARD:
        return archived_chat.handle(message, store, rules, now)
    contact_tracking.note(message, store, now)
    if message.chat and group_binding.meet(message, store, rules, now):
        return None
    return ROUTES[message.kind](message, store, rules, now)
