"""Notifying the office when a channel fails for all users: an operator must act."""

from __future__ import annotations

from bot.channels.errors import ChannelError
from bot.texts import recipient_label
from schedules.context import Context
from schedules.notify import channel_name, fault_once_key, notify_fault
from schedules.patrol_night import night_of
from storage.db.models import Notice
from storage.notices import SMS_MAIL, NoticeDraft

_TEXT_KEY = "office_alert.channel_failed"


def notify_channel_failure(notice: Notice, error: ChannelError, ctx: Context) -> None:
    """Once a day per channel and group, over the channels that still work."""
    subject = f"{notice.channel}/{error.code}/{notice.group_id or ''}"
    name = recipient_label(notice.recipient_name)
    params = {"channel": channel_name(notice.channel), "name": name, "code": error.code or "—"}
    personal = [each.channel for each in ctx.store.personal_channels]
    has_other = any(channel != notice.channel for channel in personal)
    if notice.group_id is not None or (has_other and notice.channel != SMS_MAIL):
        notify_fault(ctx, _TEXT_KEY, subject, **params)
    # The preferred channel is the one by which the office is reached.
    if notice.channel in personal[:1]:
        once_key, night = fault_once_key(subject, ctx), night_of(ctx.now, ctx.rules)
        ctx.store.notices.add_for_sms_mail(NoticeDraft("system", _TEXT_KEY, once_key, night, ctx.now, params))
