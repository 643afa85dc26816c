"""Whether somebody works and whether the timetable ticks, as any process sees it in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock, monotonic, wall_now
from storage.outages import WORKING
from storage.store import Store

# The facts by which workers give their signs of life; one that has given none for so long is gone.
SIGN, GONE_AFTER = "executor/", timedelta(seconds=30)
# A tick comes every second; what is missing for so long is more than a slow one.
ASLEEP_AFTER_S = 15.0
# A web that has just started waits so long for its workers before it calls them missing.
_GRACE_S = 15.0


@dataclass(frozen=True)
class Signs:
    """How many workers are alive, and how many real seconds ago the timetable last ticked (None: never yet)."""

    workers: int
    tick_lag_s: float | None


def signs(store: Store, clock: Clock) -> Signs:
    """As they stand now."""
    last = store.outages.last_beat(WORKING)
    lag = None if last is None else max(0.0, (clock.now() - last).total_seconds() / clock.speed)
    return Signs(len(store.records.beats(SIGN, wall_now() - GONE_AFTER)), lag)


class Pulse:
    """What is wrong with the workers, from the point of view of a process that has just been started or not."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._since = clock, monotonic()

    def faults(self, store: Store) -> dict[str, str]:
        """Why nothing would be judged or said now, by what is missing."""
        found = signs(store, self._clock)
        if not found.workers:
            return {"worker": "no worker is alive: nothing is filed, judged or said"}
        if found.tick_lag_s is not None and found.tick_lag_s > ASLEEP_AFTER_S:
            return {"timetable": f"the timetable has not ticked for {found.tick_lag_s:.0f} s"}
        return {}

    @property
    def is_fresh(self) -> bool:
        """Whether the workers may still be on their way."""
        return monotonic() - self._since < _GRACE_S
