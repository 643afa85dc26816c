"""Replacing a card whose button was pressed by its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.message import Message
from handlers.replies import current_owner
from schedules.context import Context
from schedules.notify import notify_sender
from storage.db.models import Notice
from storage.notices import NoticeDraft, NoticeForm


def update_card(message: Message, card_key: str, params: Mapping[str, Any], ctx: Context, text_key: str) -> None:
    """Replace the card whose button was pressed by its result."""
    if message.response_code:
        draft = _card_draft(text_key, card_key, message.response_code, params, ctx)
        notify_sender(message, current_owner(message, ctx), draft, ctx.store)


def update_sent_card(notice: Notice, card_key: str, params: Mapping[str, Any], ctx: Context, text_key: str) -> None:
    """Replace the card of a notice although its button was not pressed."""
    draft = _card_draft(text_key, card_key, notice.response_code or "", params, ctx)
    ctx.store.notices.add_follow_up(notice, draft)


def _card_draft(text_key: str, card_key: str, code: str, params: Mapping[str, Any], ctx: Context) -> NoticeDraft:
    """The once-key holds the response code, because a code is valid for one update only."""
    return NoticeDraft(
        kind="system",
        text_key=text_key,
        once_key=f"card-update/{card_key}/{code}",
        night=ctx.night,
        due_at=ctx.now,
        params={**params, "response_code": code},
        form=NoticeForm.CARD_UPDATE,
    )
