"""Whether somebody works and whether the timetable ticks, as any process sees it in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock, monotonic, wall_now
from storage.outages import WORKING
from storage.store import Store

# The facts by which workers give their signs of life; one that has given none for so long is gone.
WORKER_HEARTBEAT_PREFIX, WORKER_DEAD_AFTER = "executor/", timedelta(seconds=30)
# A tick comes every second; what is missing for so long is more than a slow one.
SCHEDULER_STALLED_AFTER_S = 15.0
# A web that has just started waits so long for its workers before it calls them missing.
_GRACE_S = 15.0


@dataclass(frozen=True)
class Liveness:
    """How many workers are alive, and how many real seconds ago the timetable last ticked (None: never yet)."""

    live_workers: int
    tick_lag_s: float | None


def read_liveness(store: Store, clock: Clock) -> Liveness:
    """As they stand now."""
    last = store.outages.last_heartbeat(WORKING)
    lag = None if last is None else max(0.0, (clock.now() - last).total_seconds() / clock.speed)
    return Liveness(len(store.facts.heartbeats_since(WORKER_HEARTBEAT_PREFIX, wall_now() - WORKER_DEAD_AFTER)), lag)


class LivenessCheck:
    """What is wrong with the workers, from the point of view of a process that has just been started or not."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._since = clock, monotonic()

    def faults(self, store: Store) -> dict[str, str]:
        """Why nothing would be judged or said now, by what is missing."""
        found = read_liveness(store, self._clock)
        if not found.live_workers:
            return {"worker": "no worker is alive: nothing is filed, judged or said"}
        if found.tick_lag_s is not None and found.tick_lag_s > SCHEDULER_STALLED_AFTER_S:
            return {"timetable": f"the timetable has not ticked for {found.tick_lag_s:.0f} s"}
        return {}

    @property
    def in_grace_period(self) -> bool:
        """Whether the workers may still be on their way."""
        return monotonic() - self._since < _GRACE_S
