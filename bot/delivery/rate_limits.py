"""When a notice may leave: the windows of its route, counted over our own rows, and what the platform shut."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.interface import Limits
from storage.db.models import Notice
from storage.store import Store

# How the detail of a notice begins that its route was shut for.
SHUT = "must wait"
_HOUR = timedelta(hours=1)


def may_leave_at(notice: Notice, limits: Limits, store: Store, now: datetime) -> datetime:
    """The earliest instant at which its route has room, in the platform's eyes too."""
    shut = store.notices.shut_since(notice.route, now - limits.period, SHUT)
    windows = [(limits.messages, limits.period), *([(limits.hourly, _HOUR)] if limits.hourly else [])]
    opens = [store.notices.window_opens(notice.route, now, number, period) for number, period in windows]
    return max(
        notice.due_at, *(each or notice.due_at for each in opens), shut + limits.period if shut else notice.due_at
    )
