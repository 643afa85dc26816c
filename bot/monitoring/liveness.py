"""Whether a worker lives and the timetable ticks, as any process reads it from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock, monotonic, wall_now
from storage.outages import PROCESSING
from storage.store import Store

# The facts that hold the workers' heartbeats; a worker without one for so long counts as dead.
WORKER_HEARTBEAT_PREFIX, WORKER_DEAD_AFTER = "worker-heartbeat/", timedelta(seconds=30)
# A tick comes every second; this long without one is more than a slow tick.
SCHEDULER_STALLED_AFTER_S = 15.0
STARTUP_GRACE_S = 15.0
"""A web process that has just started waits so long for its workers before it calls them missing."""


@dataclass(frozen=True)
class Liveness:
    """How many workers are alive, and how many real seconds ago the timetable last ticked (None: never yet)."""

    live_workers: int
    tick_lag_s: float | None


def live_workers(store: Store) -> set[str]:
    """The executor ids of the workers whose heartbeat is recent."""
    return store.facts.heartbeats_since(WORKER_HEARTBEAT_PREFIX, wall_now() - WORKER_DEAD_AFTER)


def read_liveness(store: Store, clock: Clock) -> Liveness:
    """The present state."""
    last = store.outages.last_heartbeat(PROCESSING)
    lag_s = None if last is None else max(0.0, (clock.now() - last).total_seconds() / clock.speed)
    return Liveness(len(live_workers(store)), lag_s)


class LivenessCheck:
    """The problems of the workers, as seen by a web process that may have started just now."""

    def __init__(self, clock: Clock, startup_grace_s: float = STARTUP_GRACE_S) -> None:
        self._clock, self._grace_until_s = clock, monotonic() + startup_grace_s

    def faults(self, store: Store) -> dict[str, str]:
        """Why nothing would be judged or sent now, by component; empty when all is well."""
        liveness = read_liveness(store, self._clock)
        if not liveness.live_workers:
            return {"worker": "no worker is alive: nothing is filed, judged or sent"}
        if liveness.tick_lag_s is not None and liveness.tick_lag_s > SCHEDULER_STALLED_AFTER_S:
            return {"timetable": f"the timetable has not ticked for {liveness.tick_lag_s:.0f} s"}
        return {}

    @property
    def in_grace_period(self) -> bool:
        """Whether the workers may still be starting."""
        return monotonic() < self._grace_until_s
