"""Which handler answers which message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from handlers import event, groups, other, overheard, photo, presence, text, uploading, video
from handlers.message import OVERHEARD, Fetch, Message
from schedules.rules import RuleBook
from storage.store import Store

Handler = Callable[[Message, Store, RuleBook, datetime], Fetch | None]

ROUTES: dict[str, Handler] = {
    "film": video.handle,
    "photo": photo.handle,
    "file": other.file,
    "text": text.handle,
    "press": event.pressed,
    "event": event.handle,
    "voice": other.voice,
    "too_large": uploading.too_large,
    "location": other.unreadable,
    "link": other.unreadable,
    "unknown": other.unreadable,
}


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> Fetch | None:
    """Hand a message to its handler; what must be fetched for it, if anything."""
    store.one_at_a_time(message.lane)
    if message.channel in OVERHEARD:
        return overheard.handle(message, store, rules, now)
    presence.note(message, store, now)
    if message.chat and groups.meet(message, store, rules, now):
        return None
    return ROUTES[message.kind](message, store, rules, now)
