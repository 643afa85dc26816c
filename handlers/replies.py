"""Answering a message: one notice to whoever wrote, decided with the handling itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from handlers.message import Message
from schedules.context import Context
from schedules.notify import notify_sender, reply_route
from schedules.patrol_night import night_of
from storage.db.models import Person
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

_STALE_AFTER, _WELCOME_LIFE = timedelta(hours=24), timedelta(seconds=20)
# A person who only plays with the bot is answered so often in so long, and then no more.
_CHATTER_LIMIT, _CHATTER_PERIOD = 5, timedelta(minutes=10)


def sender_of(store: Store, message: Message) -> Person | None:
    """Who sent it; None for a stranger."""
    return store.register.account_owner(message.realm, message.sender, message.sent_at)


def sender_name(store: Store, message: Message) -> str:
    """The name under which the sender stands on record: the person's, or a stranger's account."""
    person = sender_of(store, message)
    return person.name if person else message.sender


def add_reply(
    message: Message,
    ctx: Context,
    text_key: str,
    *,
    kind: str = "system",
    **params: Any,
) -> None:
    """Say something back to the sender of a message, once per message and sentence.

    Whoever has just opened the chat is welcomed by the code that came with it, which counts against nothing.
    """
    welcome = message.event == "enter_session" and message.response_code
    once_key = f"answer/{message.channel}/{message.key}/{text_key}"
    saying = NoticeDraft(
        kind=kind,
        text_key=text_key,
        once_key=once_key,
        night=night_of(ctx.now, ctx.rules),
        due_at=ctx.now,
        form=NoticeForm.WELCOME if welcome else NoticeForm.TEXT,
        params=params | ({"response_code": message.response_code} if welcome else {}),
        expires_at=message.sent_at + _WELCOME_LIFE if welcome else ctx.now + _STALE_AFTER,
    )
    notify_sender(message, sender_of(ctx.store, message), saying, ctx.store)


def add_rate_limited_reply(message: Message, ctx: Context, text_key: str, **params: Any) -> None:
    """Like `answer`, but a joker is not answered for ever (mission 4.5, case 40)."""
    if ctx.store.notices.count_since(reply_route(message), text_key, ctx.now - _CHATTER_PERIOD) < _CHATTER_LIMIT:
        add_reply(message, ctx, text_key, **params)
