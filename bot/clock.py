"""The only place that asks what time it is, and the rehearsal clock.

A rehearsal starts at a chosen instant and runs N times as fast. It is kept in the database, so that
every process and command joins it; while no process serves, it stands still.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from storage.errors import OperationRefused
from storage.store import Store

REHEARSAL_FACT = "rehearsal"
# A clock nobody has beaten for so long (real seconds) has stopped with its service.
_STOPPED_AFTER_S = 5.0
_A_CORRECTION = timedelta(seconds=5)


class Clock(Protocol):
    """What time it is for the service, and how fast its time runs."""

    speed: float

    @property
    def is_rehearsal(self) -> bool:
        """Whether this is not the real time."""

    def now(self) -> datetime:
        """The service's present instant, in UTC."""


def wall_now() -> datetime:
    """The real instant: for patience with the network and leases between processes."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow, for measuring how long a thing took."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait in real time."""
    time.sleep(seconds)


class RealClock:
    """The time of day."""

    speed, is_rehearsal = 1.0, False

    def now(self) -> datetime:
        """The present instant."""
        return wall_now()


@dataclass
class RehearsalClock:
    """A time that began at `start` when the real one was `since`, and runs `speed` times as fast."""

    start: datetime
    real_start: datetime
    speed: float
    is_rehearsal: bool = True
    stopped_at: datetime | None = None

    def now(self) -> datetime:
        """The rehearsal's present instant."""
        if self.stopped_at is not None:
            return self.stopped_at
        return self.start + (wall_now() - self.real_start) * self.speed

    def update_from(self, fact: dict[str, Any]) -> None:
        """Go by what the database says: a later start may have been ordered since."""
        told = (_instant(fact["start"]), _instant(fact["since"]), fact["speed"])
        if told != (self.start, self.real_start, self.speed):
            self.start, self.real_start, self.speed = told

    def to_fact(self) -> dict[str, Any]:
        """How it is kept in the database, with the instant it has just lived to."""
        return {
            "start": self.start.isoformat(), "since": self.real_start.isoformat(), "speed": self.speed,
            "lived": self.now().isoformat(), "beat": wall_now().isoformat(),
        }  # fmt: skip


class ClockJumpDetector:
    """Finds out when the machine's clock is put back under a process: by seconds that only grow."""

    def __init__(self) -> None:
        self._last = (monotonic(), wall_now())

    def backward_jump(self) -> timedelta | None:
        """By how much it was since the last question; None for what a clock that is being set right may do."""
        (before_s, before), (now_s, now) = self._last, (monotonic(), wall_now())
        self._last = (now_s, now)
        back = before + timedelta(seconds=now_s - before_s) - now
        return back if back > _A_CORRECTION else None


def load_clock(store: Store) -> Clock:
    """The clock this database is served by: the real one, or the rehearsal it is kept for."""
    fact = store.facts.read_fact(REHEARSAL_FACT)
    if fact is None:
        return RealClock()
    clock = RehearsalClock(_instant(fact["start"]), _instant(fact["since"]), fact["speed"])
    if (wall_now() - _instant(fact["beat"])).total_seconds() > _STOPPED_AFTER_S:
        clock.stopped_at = _instant(fact["lived"])
    return clock


def start_clock(store: Store, start: datetime | None, speed: float | None) -> Clock:
    """The clock for a process that serves. Raises Refused when a rehearsal may not begin here.

    A database that has served a real night is never rehearsed in; one of a rehearsal goes on with
    it, from where it stood or from a later instant.
    """
    fact = store.facts.read_fact(REHEARSAL_FACT)
    if fact is None and start is None:
        return RealClock()
    if fact is None and store.facts.has_history():
        raise OperationRefused("clock.real_history")
    lived = _instant(fact["lived"]) if fact else None
    if start is not None and lived is not None and start < lived:
        raise OperationRefused("clock.cannot_go_back", lived=lived.isoformat(), start=start.isoformat())
    running = load_clock(store) if fact else None
    if start is None and isinstance(running, RehearsalClock) and running.stopped_at is None:
        return running
    begin = start or lived
    assert begin is not None
    clock = RehearsalClock(begin, wall_now(), speed or (fact or {}).get("speed", 1.0))
    if fact is None:
        _begin(begin, store)
    store.facts.store_fact(REHEARSAL_FACT, clock.to_fact())
    return clock


def _begin(start: datetime, store: Store) -> None:
    """A rehearsal owes what falls due from its start on, and codes made for it live by its clock."""
    store.facts.store_fact("born", {"at": start.isoformat()})
    store.register.redate_invitations(start)


def sync_rehearsal_clock(clock: Clock, store: Store) -> None:
    """Keep the rehearsal alive for the other processes, and follow one that was turned on by another."""
    if isinstance(clock, RehearsalClock):
        fact = store.facts.read_fact(REHEARSAL_FACT)
        if fact is not None:
            clock.update_from(fact)
        store.facts.store_fact(REHEARSAL_FACT, clock.to_fact())


def parse_instant(text: str, zone: Any) -> datetime:
    """An ISO 8601 instant; without an offset it is the county's time. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def real_delay(clock: Clock, until: datetime) -> timedelta:
    """How long to wait in real time for an instant of the service's clock."""
    return (until - clock.now()) / clock.speed


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
