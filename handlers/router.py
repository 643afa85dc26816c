"""The table of handlers by kind of message."""

from __future__ import annotations

from collections.abc import Callable

from handlers import (
    archived_chat,
    contact_tracking,
    events,
    films,
    group_binding,
    photo,
    replies,
    text,
    upload_links,
    voice,
)
from handlers.emergency import updates
from handlers.hazards import material
from handlers.message import ARCHIVE_CHANNELS, Message
from schedules.context import Context
from storage.db.models import Submission

Handler = Callable[[Message, Context], Submission | None]

ROUTES: dict[str, Handler] = {
    "film": films.handle,
    "photo": photo.handle,
    "file": films.handle,
    "text": text.handle,
    "press": events.handle_button,
    "event": events.handle,
    "voice": voice.handle,
    "too_large": upload_links.handle_too_large,
    "location": updates.handle_place,
    "link": replies.handle_unsupported,
    "unknown": replies.handle_unsupported,
}


def handle(message: Message, ctx: Context) -> Submission | None:
    """Pass a message to its handler; returns the submission whose media are to be fetched, if any."""
    ctx.store.lock_for_transaction(message.ordering_key)
    if message.channel in ARCHIVE_CHANNELS:
        return archived_chat.handle(message, ctx)
    contact_tracking.track_contact(message, ctx)
    if message.chat_id and group_binding.handle_group_message(message, ctx):
        return None
    submission = ROUTES[message.kind](message, ctx)
    updates.note_media(message, ctx)
    material.take_after_message(message, ctx)
    return submission
