"""Calling the office when a channel is dead for everybody: an operator must act."""

from __future__ import annotations

from datetime import datetime

from bot.channels.errors import ChannelError
from schedules.notify import notify_office
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import Notice
from storage.notices import NoticeDraft
from storage.store import Store


def notify_channel_failure(notice: Notice, error: ChannelError, store: Store, rules: RuleBook, now: datetime) -> None:
    """Once a day per channel and group, by whatever still works."""
    night, today = night_of(now, rules), now.astimezone(rules.zone).date()
    once_key = f"trouble/{notice.channel}/{error.code}/{notice.group_id or ''}/{today}"
    params = {"channel": {"say": f"channel.{notice.channel}"}, "name": notice.recipient_name, "code": error.code or "—"}
    others = [line for line in store.personal_channels if line.channel != notice.channel]
    if notice.channel in ("wecom_robot", "wecom_aibot") or (others and notice.channel != "fallback"):
        notify_office(store, night, now, "trouble.channel", once_key, **params)
    if notice.channel == "wecom_app":
        saying = NoticeDraft(
            kind="system", text_key="trouble.channel", once_key=once_key, night=night, due_at=now, params=params
        )
        store.notices.add_for_fallback(saying)
