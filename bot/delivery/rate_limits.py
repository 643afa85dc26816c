"""When a notice may leave: the windows of its route, counted over our own rows, and what the platform shut."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.interface import ChannelLimits
from storage.db.models import Notice
from storage.store import Store

# How the detail of a notice begins that its route was shut for.
RATE_LIMITED = "must wait"
_HOUR = timedelta(hours=1)


def earliest_send_at(notice: Notice, limits: ChannelLimits, store: Store, now: datetime) -> datetime:
    """The earliest instant at which its route has room, in the platform's eyes too."""
    shut = store.notices.last_throttled_at(notice.route, now - limits.period, RATE_LIMITED)
    windows = [(limits.max_messages, limits.period), *([(limits.max_per_hour, _HOUR)] if limits.max_per_hour else [])]
    opens = [store.notices.next_allowed_at(notice.route, now, number, period) for number, period in windows]
    return max(
        notice.due_at, *(each or notice.due_at for each in opens), shut + limits.period if shut else notice.due_at
    )
