"""Signs of life of one part of the service, and the outage that a gap between them was.

A process that lives through the gap knows by its own seconds whether time really passed: a clock that is
put forward is no outage.
"""

from __future__ import annotations

from datetime import timedelta

from bot.channels.errors import ChannelError, Transient
from bot.clock import Clock, monotonic
from storage.store import Store

# A restart takes some seconds; what lasts longer may have cost somebody a film.
_GAP = timedelta(minutes=1)
# In a rehearsal a minute may be a blink: this much real time must have passed too.
_REAL_GAP = timedelta(seconds=10)
# The platform has its moments; only what lasts keeps people from sending.
_TROUBLE, _REAL_TROUBLE = timedelta(minutes=10), timedelta(seconds=30)


class Heartbeat:
    """The signs of life of `what` (see storage.outages) given by this process."""

    def __init__(self, component: str, clock: Clock) -> None:
        self._what, self._clock = component, clock
        self._last_s: float | None = None

    def beat(self, store: Store) -> None:
        """Give one, and put the time since the last on record if nobody was there in between."""
        now, last = self._clock.now(), store.outages.last_heartbeat(self._what)
        if last is not None and now - last > self._gap() and not self._was_here():
            store.outages.add(self._what, last, now, now)
        store.outages.record_heartbeat(self._what, now, now + self._gap())
        self._last_s = monotonic()

    def clear_after_rehearsal(self, store: Store) -> None:
        """A rehearsal that is laid aside stands still; the real world does not."""
        if self._clock.is_rehearsal:
            store.outages.clear_heartbeat(self._what)

    def _gap(self) -> timedelta:
        return max(_GAP, _REAL_GAP * self._clock.speed)

    def _was_here(self) -> bool:
        """Whether this very process gave a sign not long ago by seconds that nobody can put forward."""
        if self._last_s is None:
            return False
        return timedelta(seconds=monotonic() - self._last_s) * self._clock.speed < self._gap()


class PlatformMonitor:
    """Whether the platform does what it is asked for, as this process sees it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record_result(self, store: Store, error: ChannelError | None) -> None:
        """A call came back, or did not. An error with a code is an answer like any other."""
        now = self._clock.now()
        if isinstance(error, Transient) and error.code is None:
            store.outages.record_platform_failure(now, self._lasting())
        else:
            store.outages.record_platform_success(now, self._lasting())

    def _lasting(self) -> timedelta:
        return max(_TROUBLE, _REAL_TROUBLE * self._clock.speed)
