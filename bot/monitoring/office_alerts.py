"""Calling the office when a channel is dead for everybody: an operator must act."""

from __future__ import annotations

from bot.channels.errors import ChannelError
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import Notice
from storage.notices import FALLBACK, NoticeDraft


def notify_channel_failure(notice: Notice, error: ChannelError, ctx: Context) -> None:
    """Once a day per channel and group, by whatever still works."""
    night, today = night_of(ctx.now, ctx.rules), ctx.now.astimezone(ctx.rules.zone).date()
    once_key = f"trouble/{notice.channel}/{error.code}/{notice.group_id or ''}/{today}"
    params = {"channel": {"say": f"channel.{notice.channel}"}, "name": notice.recipient_name, "code": error.code or "—"}
    personal = [each.channel for each in ctx.store.personal_channels]
    has_other = any(channel != notice.channel for channel in personal)
    if notice.group_id is not None or (has_other and notice.channel != FALLBACK):
        notify_office(ctx.store, night, ctx.now, "office_alert.channel_failed", once_key, **params)
    # The preferred channel is the one by which the office is reached.
    if notice.channel in personal[:1]:
        saying = NoticeDraft(
            kind="system",
            text_key="office_alert.channel_failed",
            once_key=once_key,
            night=night,
            due_at=ctx.now,
            params=params,
        )
        ctx.store.notices.add_for_fallback(saying)
