"""Calling the office when a channel is dead for everybody: an operator must act."""

from __future__ import annotations

from bot.channels.errors import ChannelError
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from storage.db.models import Notice
from storage.notices import NoticeDraft


def notify_channel_failure(notice: Notice, error: ChannelError, ctx: Context) -> None:
    """Once a day per channel and group, by whatever still works."""
    night, today = night_of(ctx.now, ctx.rules), ctx.now.astimezone(ctx.rules.zone).date()
    once_key = f"trouble/{notice.channel}/{error.code}/{notice.group_id or ''}/{today}"
    params = {"channel": {"say": f"channel.{notice.channel}"}, "name": notice.recipient_name, "code": error.code or "—"}
    others = [line for line in ctx.store.personal_channels if line.channel != notice.channel]
    if notice.channel in ("wecom_robot", "wecom_aibot") or (others and notice.channel != "fallback"):
        notify_office(ctx.store, night, ctx.now, "office_alert.channel_failed", once_key, **params)
    if notice.channel == "wecom_app":
        saying = NoticeDraft(
            kind="system",
            text_key="office_alert.channel_failed",
            once_key=once_key,
            night=night,
            due_at=ctx.now,
            params=params,
        )
        ctx.store.notices.add_for_fallback(saying)
