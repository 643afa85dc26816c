"""Replies to a message: one notice to its sender, added in the handler's own transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from schedules.context import Context
from schedules.notify import notify_sender, reply_route
from storage.db.models import Enterprise, Person
from storage.notices import NoticeDraft, NoticeForm

# A welcome code of the platform is valid for 20 seconds.
_EXPIRES_AFTER, _WELCOME_EXPIRES_AFTER = timedelta(hours=24), timedelta(seconds=20)
# How many replies of one text key a sender gets in a period.
_RATE_LIMIT, _RATE_PERIOD = 5, timedelta(minutes=10)


def sender_of(message: Message, ctx: Context) -> Person | None:
    """Whose account sent it at that time; None for a stranger."""
    return ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)


def current_owner(message: Message, ctx: Context) -> Person | None:
    """Whose account it is now, which decides what its sender may do; None for a stranger."""
    return ctx.store.register.account_owner(message.realm, message.sender, ctx.now)


def sender_and_enterprises(message: Message, ctx: Context) -> tuple[Person | None, list[Enterprise]]:
    """The sender and the enterprises that the person films or answers for."""
    person = sender_of(message, ctx)
    return person, ctx.store.register.enterprises_of(person.id) if person else []


def sender_name(message: Message, ctx: Context) -> str:
    """The person's name, or a stranger's account."""
    person = sender_of(message, ctx)
    return person.name if person else message.sender


def add_reply(message: Message, ctx: Context, text_key: str, **params: Any) -> None:
    """Reply to the sender, once per message and text key.

    A user who has just opened the chat is welcomed with the code that came with the event, which uses no quota.
    """
    is_welcome = message.event == "enter_session" and message.response_code
    draft = NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"answer/{message.channel}/{message.key}/{text_key}",
        night=ctx.night,
        due_at=ctx.now,
        form=NoticeForm.WELCOME if is_welcome else NoticeForm.TEXT,
        params=params | ({"response_code": message.response_code} if is_welcome else {}),
        expires_at=message.sent_at + _WELCOME_EXPIRES_AFTER if is_welcome else ctx.now + _EXPIRES_AFTER,
    )
    notify_sender(message, sender_of(message, ctx), draft, ctx.store)


def add_rate_limited_reply(message: Message, ctx: Context, text_key: str, **params: Any) -> None:
    """`add_reply` with a limit per recipient and text, for replies to messages that were not understood."""
    if ctx.store.notices.count_since(reply_route(message), text_key, ctx.now - _RATE_PERIOD) < _RATE_LIMIT:
        add_reply(message, ctx, text_key, **params)


def handle_unsupported(message: Message, ctx: Context) -> None:
    """A voice message, a location, a link or an unknown kind: say what to send instead."""
    # Voice comes without its text, so an emergency in it would be missed.
    is_voice = message.kind == "voice"
    add_rate_limited_reply(message, ctx, "unsupported.voice" if is_voice else "unsupported.unknown_kind")
