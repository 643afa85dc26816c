"""The only module that reads the time, and the rehearsal clock.

A rehearsal starts at a chosen instant and runs N times as fast. It is stored in the database, so every process and
command joins it; while no process serves, it is stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from storage.errors import OperationRefused
from storage.store import Store

REHEARSAL_FACT = "rehearsal"
# Without a heartbeat for so long (real seconds) a rehearsal has stopped with its service.
_STOPPED_AFTER_S = 5.0
# What time synchronisation may change at once.
_MAX_CORRECTION = timedelta(seconds=5)


class Clock(Protocol):
    """The service's time, which runs `speed` times as fast as real time."""

    speed: float

    @property
    def is_rehearsal(self) -> bool:
        """Whether this differs from real time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""


def wall_now() -> datetime:
    """The real instant, in UTC: for network timeouts and leases between processes."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never go back, for measuring durations."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait in real time."""
    time.sleep(seconds)


WallClock = Callable[[], datetime]


@dataclass
class RealClock:
    """Real time."""

    wall: WallClock = wall_now
    speed: float = 1.0
    is_rehearsal: bool = False

    def now(self) -> datetime:
        """The present instant."""
        return self.wall()


@dataclass
class RehearsalClock:
    """A time that was `start` when the real one was `real_start`, and runs `speed` times as fast."""

    start: datetime
    real_start: datetime
    speed: float
    wall: WallClock = wall_now
    is_rehearsal: bool = True
    stopped_at: datetime | None = None

    def now(self) -> datetime:
        """The present instant of the rehearsal."""
        if self.stopped_at is not None:
            return self.stopped_at
        return self.start + (self.wall() - self.real_start) * self.speed

    def update_from(self, fact: dict[str, Any]) -> None:
        """Follow the database: another process may have started the rehearsal anew at a later instant."""
        self.start, self.real_start = _instant(fact["start"]), _instant(fact["since"])
        self.speed = fact["speed"]

    def to_fact(self) -> dict[str, Any]:
        """The stored form, with the instant reached."""
        return {
            "start": self.start.isoformat(),
            "since": self.real_start.isoformat(),
            "speed": self.speed,
            "reached": self.now().isoformat(),
            "heartbeat_at": self.wall().isoformat(),
        }


class ClockJumpDetector:
    """Detects that the wall clock was put back, by comparing it with the monotonic clock."""

    def __init__(self, wall: WallClock = wall_now, seconds: Callable[[], float] = monotonic) -> None:
        self._wall, self._seconds = wall, seconds
        self._last = (seconds(), wall())

    def backward_jump(self) -> timedelta | None:
        """How far it was put back since the last call; None for corrections of a few seconds."""
        (last_s, last), (now_s, now) = self._last, (self._seconds(), self._wall())
        self._last = (now_s, now)
        jump = last + timedelta(seconds=now_s - last_s) - now
        return jump if jump > _MAX_CORRECTION else None


def load_clock(store: Store, wall: WallClock = wall_now) -> Clock:
    """The clock of this database: the real one, or that of its rehearsal."""
    fact = store.facts.read_fact(REHEARSAL_FACT)
    if fact is None:
        return RealClock(wall)
    clock = RehearsalClock(_instant(fact["start"]), _instant(fact["since"]), fact["speed"], wall)
    if (wall() - _instant(fact["heartbeat_at"])).total_seconds() > _STOPPED_AFTER_S:
        clock.stopped_at = _instant(fact["reached"])
    return clock


def start_clock(store: Store, start: datetime | None, speed: float | None, wall: WallClock = wall_now) -> Clock:
    """The clock for a process that serves. Raises OperationRefused when a rehearsal may not begin here.

    A database that has served a real night is never used for a rehearsal. A rehearsal continues from the instant it
    had reached, or from a later one.
    """
    fact = store.facts.read_fact(REHEARSAL_FACT)
    if fact is None and start is None:
        return RealClock(wall)
    if fact is None and store.facts.has_history():
        raise OperationRefused("clock.real_history")
    reached = _instant(fact["reached"]) if fact else None
    if start is not None and reached is not None and start < reached:
        raise OperationRefused("clock.cannot_go_back", reached=reached.isoformat(), start=start.isoformat())
    running = load_clock(store, wall) if fact else None
    if start is None and isinstance(running, RehearsalClock) and running.stopped_at is None:
        return running
    begin = start or reached
    assert begin is not None
    clock = RehearsalClock(begin, wall(), speed or (fact or {}).get("speed", 1.0), wall)
    if fact is None:
        _begin_rehearsal(begin, store)
    store.facts.store_fact(REHEARSAL_FACT, clock.to_fact())
    return clock


def _begin_rehearsal(start: datetime, store: Store) -> None:
    """A rehearsal owes what falls due after its start, and invitations made for it expire by its clock."""
    store.facts.store_fact("service_started", {"at": start.isoformat()})
    store.invitations.redate(start)


def sync_rehearsal_clock(clock: Clock, store: Store) -> None:
    """Keep a rehearsal running for the other processes, and follow one that another process started anew."""
    if isinstance(clock, RehearsalClock):
        fact = store.facts.read_fact(REHEARSAL_FACT)
        if fact is not None:
            clock.update_from(fact)
        store.facts.store_fact(REHEARSAL_FACT, clock.to_fact())


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """An ISO 8601 instant in UTC; without an offset it is in `zone`. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


def real_delay(clock: Clock, until: datetime) -> timedelta:
    """The real time until an instant of the service's clock."""
    return (until - clock.now()) / clock.speed


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
