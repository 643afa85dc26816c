"""The hazards of a period and its figures: the one source of the tables, the yearly figures and their rows.

A hazard is *found* in the period if the date of its finding is in it, and *closed* if it was accepted in it. It is
*overdue* as it stood at the end of the period, or stands now while the period lasts. It is *extended* as often as an
extension was granted in the period. It is *rectified* if it was found in the period and accepted by its end: the rate
is the share of those found. What is void counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time
from typing import Any

from schedules.context import Context
from schedules.hazards.rules import deadline_missed, plan_lacks
from schedules.patrol_night import ONE_DAY, local_instant
from storage.hazard_terms import ACCEPTED, AWAITING_ACCEPTANCE, INCOMPLETE, MAJOR, RECTIFYING

# The figures of every table, in order.
FIGURES = ("found", "closed", "overdue", "extended")


@dataclass(frozen=True)
class HazardTally:
    """How many hazards are what the names say; `open` and `overdue` at the end of the period."""

    found: int = 0
    rectified: int = 0
    closed: int = 0
    overdue: int = 0
    extended: int = 0
    open: int = 0

    def __add__(self, other: HazardTally) -> HazardTally:
        return HazardTally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def rate(self) -> float | None:
        """The share of those found that were rectified; None where none was found."""
        return self.rectified / self.found if self.found else None


NOTHING = HazardTally()


@dataclass(frozen=True)
class CountedHazard:
    """A hazard that counts in a period; `state`, `deadline` and `tally` are those at its end."""

    number: str
    code: str
    enterprise: str
    part: str | None
    matter: str | None
    level: str
    kind: str
    source: str
    found_at: datetime
    found_on: date
    found_by: str
    measure: str | None
    responsible: str | None
    deadline: date | None
    cost_yuan: int | None
    supervised_by: str | None
    supervisor: str | None
    remarks: str | None
    repeat_of: str | None
    plan_complete: bool
    accepted_by: str | None
    accepted_on: date | None
    state: str
    tally: HazardTally


@dataclass(frozen=True)
class HazardPeriod:
    """The hazards that count from the first day through the last, by number."""

    first: date
    last: date
    rows: tuple[CountedHazard, ...]

    def tally(self) -> HazardTally:
        """The sum over the rows."""
        return sum((row.tally for row in self.rows), NOTHING)

    def only(self, **wanted: str) -> HazardPeriod:
        """The hazards whose fields have these values."""
        rows = (row for row in self.rows if all(getattr(row, name) == value for name, value in wanted.items()))
        return replace(self, rows=tuple(rows))

    @property
    def figures(self) -> dict[str, int]:
        """Every figure by name; each is a sum over the rows."""
        total = self.tally()
        return {
            "hazards_found": total.found,
            "hazards_major": self.only(level=MAJOR).tally().found,
            "hazards_rectified": total.rectified,
            "hazards_closed": total.closed,
            "hazards_overdue": total.overdue,
            "hazards_extended": total.extended,
            "hazards_open": total.open,
        }

    def by_enterprise(self) -> dict[str, HazardTally]:
        """Code -> the sum over its rows."""
        return _sums((row.code, row.tally) for row in self.rows)

    def by_kind(self) -> dict[str, HazardTally]:
        """Kind -> the sum over its rows, the kind that was found most often first."""
        sums = _sums((row.kind, row.tally) for row in self.rows)
        return dict(sorted(sums.items(), key=lambda item: (-item[1].found, item[0])))


def _sums(tallies: Iterable[tuple[str, HazardTally]]) -> dict[str, HazardTally]:
    sums: dict[str, HazardTally] = {}
    for key, tally in tallies:
        sums[key] = sums.get(key, NOTHING) + tally
    return sums


def hazards_of_period(ctx: Context, first: date, last: date, *, with_open: bool = True) -> HazardPeriod:
    """As of now. Without `with_open`, hazards that are only open are left out, and `open` counts those in the rows."""
    since, until = (local_instant(day, time(), ctx.rules) for day in (first, last + ONE_DAY))
    rows = ctx.store.hazard_figures.of_period(first, last, since, with_open=with_open)
    end = _End(ctx, first, min(last, ctx.today), since, until)
    closed = [row.number for row in rows if row.state == ACCEPTED]
    accepted = ctx.store.hazards.acceptors(closed) if closed else {}
    counted = (end.counted(row, accepted.get(row.number)) for row in rows)
    return HazardPeriod(first, last, tuple(row for row in counted if with_open or _counts(row.tally)))


@dataclass(frozen=True)
class HazardDay:
    """The hazards found, closed or extended on a day or overdue at its end, and the figures of the day before."""

    period: HazardPeriod
    before: HazardTally


def hazards_of_day(ctx: Context, day: date) -> HazardDay:
    """As of now."""
    period, before = (hazards_of_period(ctx, each, each, with_open=False) for each in (day, day - ONE_DAY))
    return HazardDay(period, before.tally())


def _counts(tally: HazardTally) -> bool:
    return any(getattr(tally, name) for name in FIGURES)


class _End:
    """How hazards stood at the end of a period: later acts on them are undone."""

    def __init__(self, ctx: Context, first: date, day: date, since: datetime, until: datetime) -> None:
        self._rules, self._first, self._day, self._until = ctx.rules, first, day, until
        figures = ctx.store.hazard_figures
        self._awaiting, self._completed_later = figures.awaiting_at(until), figures.completed_since(until)
        self._extended: dict[str, int] = {}
        self._deadlines: dict[str, date] = {}
        for number, decided_at, old_deadline in figures.extensions_granted(since):
            if decided_at < until:
                self._extended[number] = self._extended.get(number, 0) + 1
            else:
                self._deadlines.setdefault(number, old_deadline)

    def counted(self, row: Any, accepted_by: str | None) -> CountedHazard:
        state, closed_on = self._state(row), self._rules.local_date(row.closed_at) if row.closed_at else None
        deadline = self._deadlines.get(row.number, row.deadline)
        was_found, is_closed = row.found_on >= self._first, state == ACCEPTED
        tally = HazardTally(
            found=int(was_found),
            rectified=int(was_found and is_closed),
            closed=int(is_closed),
            overdue=int(self._is_overdue(row, state, deadline)),
            extended=self._extended.get(row.number, 0),
            open=int(not is_closed),
        )
        return CountedHazard(
            **{name: getattr(row, name) for name in _AS_STORED},
            part=f"{row.part_number} {row.part_name}" if row.part_number is not None else None,
            plan_complete=not plan_lacks(row),
            deadline=deadline,
            accepted_by=accepted_by if is_closed else None,
            accepted_on=closed_on if is_closed else None,
            state=state,
            tally=tally,
        )

    def _state(self, row: Any) -> str:
        if row.closed_at is not None and row.closed_at < self._until:
            return ACCEPTED
        if row.state == INCOMPLETE or row.number in self._completed_later:
            return INCOMPLETE
        return AWAITING_ACCEPTANCE if row.number in self._awaiting else RECTIFYING

    def _is_overdue(self, row: Any, state: str, deadline: date | None) -> bool:
        if state not in (RECTIFYING, AWAITING_ACCEPTANCE) or deadline is None:
            return False
        return deadline_missed(deadline, self._submitted_on(row), self._day)

    def _submitted_on(self, row: Any) -> date | None:
        """The date of the attempt that then awaited acceptance; of one returned later, only its entry is known."""
        if row.number not in self._awaiting:
            return None
        submitted_at, verdict = self._awaiting[row.number]
        if verdict in (None, ACCEPTED) and row.submitted_on is not None:
            return row.submitted_on  # type: ignore[no-any-return]
        return self._rules.local_date(submitted_at)


_AS_STORED = (
    "number",
    "code",
    "enterprise",
    "matter",
    "level",
    "kind",
    "source",
    "found_at",
    "found_on",
    "found_by",
    "measure",
    "responsible",
    "cost_yuan",
    "supervised_by",
    "supervisor",
    "remarks",
    "repeat_of",
)
