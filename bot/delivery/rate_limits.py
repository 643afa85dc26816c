"""When a notice may be sent: the limits of its route, counted over our own attempts, and the platform's throttling."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.interface import ChannelLimits
from storage.db.models import Notice
from storage.priority import Priority
from storage.store import Store

# How the detail of a notice begins whose route the platform throttled.
RATE_LIMITED = "must wait"
_HOUR = timedelta(hours=1)


def earliest_send_at(notice: Notice, limits: ChannelLimits, store: Store, now: datetime) -> datetime:
    """The earliest instant at which the notice is due and its route has room.

    An emergency may use what is kept for emergencies, and is tried although the platform refused another message.
    """
    is_emergency = notice.priority == Priority.EMERGENCY
    throttled_at = None
    if not is_emergency:
        throttled_at = store.notices.last_throttled_at(notice.route, now - limits.period, RATE_LIMITED)
    kept = 0 if is_emergency else limits.kept_for_emergencies
    windows = [(limits.max_messages - kept, limits.period)]
    windows += [(limits.max_per_hour - kept, _HOUR)] if limits.max_per_hour else []
    allowed = [store.notices.next_allowed_at(notice.route, now, number, period) for number, period in windows]
    allowed += [throttled_at + limits.period] if throttled_at else []
    return max(notice.due_at, *(instant or notice.due_at for instant in allowed))
