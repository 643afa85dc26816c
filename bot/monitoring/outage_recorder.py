"""The heartbeat of this process, and the outages that a gap between heartbeats or a silent platform was."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.errors import ChannelError, Transient
from bot.clock import Clock, monotonic, sync_rehearsal_clock, wall_now
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX
from storage.store import Store

# A restart takes some seconds; in a longer gap a film may have been lost.
_MIN_GAP = timedelta(minutes=1)
# In a fast rehearsal a minute is a moment: this much real time must have passed too.
_MIN_REAL_GAP = timedelta(seconds=10)
# The platform fails briefly now and then; only a longer failure keeps people from sending.
_MIN_PLATFORM_OUTAGE, _MIN_REAL_PLATFORM_OUTAGE = timedelta(minutes=10), timedelta(seconds=30)


class Heartbeat:
    """The heartbeat of this process: readiness, the outage ledger and the takeover of a dead worker's jobs read it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Set while this process works under that executor id: the others take over its jobs when the heartbeat ends.
        self.executor_id: str | None = None
        self._last_beat_s: dict[str, float] = {}

    def beat(self, store: Store, *components: str) -> None:
        """Record that this process lives and performs these components (RECEIVING, PROCESSING of storage.outages)."""
        sync_rehearsal_clock(self._clock, store)
        if self.executor_id is not None:
            store.facts.store_fact(WORKER_HEARTBEAT_PREFIX + self.executor_id, {"at": wall_now().isoformat()})
        for component in components:
            self._record(component, store)

    def _record(self, component: str, store: Store) -> None:
        now, last = self._clock.now(), store.outages.last_heartbeat(component)
        if last is not None and now - last > self._gap() and not self._was_running(component):
            store.outages.add(component, last, now, now)
        store.outages.record_heartbeat(component, now, now + self._gap())
        self._last_beat_s[component] = monotonic()

    def end(self, store: Store) -> None:
        """Store the instant a rehearsal has reached: its clock stops until it is continued, and that is no outage."""
        sync_rehearsal_clock(self._clock, store)
        if self._clock.is_rehearsal:
            for component in self._last_beat_s:
                store.outages.clear_heartbeat(component)

    def _gap(self) -> timedelta:
        return max(_MIN_GAP, _MIN_REAL_GAP * self._clock.speed)

    def _was_running(self, component: str) -> bool:
        """Whether this very process sent the last heartbeat shortly before by the monotonic clock: then the service's
        clock was put forward, and there was no outage."""
        if component not in self._last_beat_s:
            return False
        return timedelta(seconds=monotonic() - self._last_beat_s[component]) * self._clock.speed < self._gap()


class PlatformMonitor:
    """Whether the platform does what is asked of it, as this process sees it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record_result(self, store: Store, error: ChannelError | None) -> None:
        """Record the result of a call. An error with a code is an answer like any other."""
        now = self._clock.now()
        min_duration = max(_MIN_PLATFORM_OUTAGE, _MIN_REAL_PLATFORM_OUTAGE * self._clock.speed)
        if isinstance(error, Transient) and error.code is None:
            store.outages.record_platform_failure(now, min_duration)
        else:
            store.outages.record_platform_success(now, min_duration)
