"""The escalation ladder of an alert: who is on which rung, and which rung is due. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, Protocol, TypeVar

P = TypeVar("P")
# Leader, backup, staff, and the SMS and mail addresses.
RUNGS = 4


@dataclass(frozen=True)
class DutyLadder(Generic[P]):
    """The people to alert, rung by rung; `is_substitute` when no leader is on the roster."""

    leader: Sequence[P]
    backup: Sequence[P]
    staff: Sequence[P]
    is_substitute: bool = False

    @property
    def rungs(self) -> tuple[Sequence[P], ...]:
        """The rungs of people; the SMS and mail addresses come after the last."""
        return (self.leader, self.backup, self.staff)


def build_duty_ladder(
    posts: Mapping[str, Sequence[P]], leaders: Sequence[P], office: Sequence[P], key: Callable[[P], int]
) -> DutyLadder[P]:
    """The ladder of a shift. An empty roster does not leave it empty.

    Without a leader on the roster, everyone with that role is on the first rung; without any of those, the office.
    Without staff on the roster, the whole office is the rung of the staff. No person is on two rungs.
    """
    on_roster = list(posts.get("leader", ()))
    first = on_roster or list(leaders) or list(office)
    placed = {key(person) for person in first}

    def others(people: Sequence[P]) -> list[P]:
        rung = [person for person in people if key(person) not in placed]
        placed.update(key(person) for person in rung)
        return rung

    backup = others(posts.get("backup", ()))
    return DutyLadder(first, backup, others(posts.get("staff", ()) or office), is_substitute=not on_roster)


@dataclass(frozen=True)
class RungStatus:
    """One rung: how many people it has, and whether every notice to them has failed."""

    people_count: int
    all_failed: bool = False


def next_rung(
    rung: int,
    escalated_at: datetime | None,
    rungs: Sequence[RungStatus],
    now: datetime,
    wait: timedelta,
    *,
    repeats: bool = False,
) -> int | None:
    """The rung to alert now, or None while the present one may still answer or none is left.

    `rung` is the rung used last, -1 before the first. With `repeats` the ladder has no end: rungs are counted on
    through the rounds, so that of four rungs 4 is the first once more. An empty rung is skipped at once, and one whose
    notices all failed is not waited for; but a new round never begins before `wait` is over.
    """
    is_over = rung < 0 or escalated_at is None or now >= escalated_at + wait
    if not is_over and not rungs[rung % len(rungs)].all_failed:
        return None
    end = rung + 1 + len(rungs) if repeats else len(rungs)
    found = next((higher for higher in range(rung + 1, end) if rungs[higher % len(rungs)].people_count), None)
    if found is None or is_over:
        return found
    return found if found // len(rungs) == rung // len(rungs) else None


class AlertLike(Protocol):
    """The fields of an alert that the ladder needs, see storage.db.models.Alert."""

    @property
    def rung(self) -> int: ...
    @property
    def escalated_at(self) -> datetime | None: ...
    @property
    def held_until(self) -> datetime | None: ...
    @property
    def acknowledged_at(self) -> datetime | None: ...
    @property
    def acknowledgement_ends_at(self) -> datetime | None: ...
    @property
    def closed_at(self) -> datetime | None: ...


class Step(Enum):
    """Actions on an alert other than using a rung."""

    ASK_HOLDER = "ask the holder how it stands"


def next_step(
    alert: AlertLike, rungs: Sequence[RungStatus], now: datetime, wait: timedelta, *, repeats: bool
) -> int | Step | None:
    """The rung to alert now, or that the holder is to be asked, or None.

    No rung is alerted while a person holds the alert or its sender is being asked. An acknowledgement that has run out
    leads to one question; without an answer the ladder continues after `wait`.
    """
    ends_at = alert.acknowledgement_ends_at
    is_held = alert.acknowledged_at is not None and (ends_at is None or now < ends_at)
    is_asked = alert.held_until is not None and now < alert.held_until
    if alert.closed_at is not None or is_held or is_asked:
        return None
    if ends_at is not None and (alert.escalated_at is None or alert.escalated_at < ends_at):
        return Step.ASK_HOLDER
    return next_rung(alert.rung, alert.escalated_at, rungs, now, wait, repeats=repeats)


def place_on_ladder(rung: int) -> int:
    """The place of a rung on the ladder, independent of the round; -1 before the first."""
    return rung % RUNGS if rung >= 0 else rung
