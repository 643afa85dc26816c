"""Which handler answers which message."""

from __future__ import annotations

from collections.abc import Callable

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
from handlers.message import ARCHIVE_CHANNELS, MediaFetch, Message
from schedules.context import Context

Handler = Callable[[Message, Context], MediaFetch | None]

ROUTES: dict[str, Handler] = {
    "film": films.handle,
    "photo": photo.handle,
    "file": unsupported.handle_file,
    "text": text.handle,
    "press": events.handle_button,
    "event": events.handle,
    "voice": unsupported.handle_voice,
    "too_large": upload_links.handle_too_large,
    "location": unsupported.handle_unsupported,
    "link": unsupported.handle_unsupported,
    "unknown": unsupported.handle_unsupported,
}


def handle(message: Message, ctx: Context) -> MediaFetch | None:
    """Hand a message to its handler; what must be fetched for it, if anything."""
    ctx.store.lock_for_transaction(message.ordering_key)
    if message.channel in ARCHIVE_CHANNELS:
        return archived_chat.handle(message, ctx)
    contact_tracking.track_contact(message, ctx.store, ctx.now)
    if message.chat_id and group_binding.handle_group_message(message, ctx):
        return None
    return ROUTES[message.kind](message, ctx)
