"""What is neither film nor text: kept, and answered with what to do instead."""

from __future__ import annotations

from handlers.films import create_submission
from handlers.message import MediaFetch, Message
from handlers.replies import add_rate_limited_reply
from schedules.context import Context


def handle_file(message: Message, ctx: Context) -> MediaFetch | None:
    """A file may well be a film sent as a file: fetch it and let the probe say (mission 4.5, case 11)."""
    return create_submission(message, ctx, kind="film")


def handle_voice(message: Message, ctx: Context) -> None:
    """Voice comes without its words: say how to raise an alarm without it."""
    add_rate_limited_reply(message, ctx, "unsupported.voice")


def handle_unsupported(message: Message, ctx: Context) -> None:
    """A location, a link, or a kind of message that is not known yet."""
    add_rate_limited_reply(message, ctx, "unsupported.unknown_kind")
