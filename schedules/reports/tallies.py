"""Counts over several nights, judged as the daily report: the one source of period reports and of the history."""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from schedules.context import Context
from schedules.judgement import STATES, NightJudgement
from schedules.night_judgement import judge_nights
from schedules.notify import was_in_service
from schedules.patrol_night import ONE_DAY, submission_window
from storage.store import Store


@dataclass
class StateTally:
    """How often each state occurred."""

    states: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        """The states, and their sum as `expected`."""
        return {"expected": self.states.total(), **{state: self.states[state] for state in STATES}}

    @property
    def due(self) -> int:
        """How many had to film and have been judged."""
        return self.states.total() - self.states["exempt"] - self.states["unjudged"]

    @property
    def on_time_rate(self) -> float | None:
        """The share of those due that filmed on time; None while nothing was due."""
        return self.states["on_time"] / self.due if self.due else None

    @property
    def rate(self) -> float | None:
        """The share of those due that filmed on time or late; None while nothing was due."""
        return (self.states["on_time"] + self.states["late"]) / self.due if self.due else None


@dataclass
class EnterpriseTally(StateTally):
    """One enterprise's nights; name and risk are those of the last of them."""

    code: str = ""
    name: str = ""
    risk: str | None = None

    @property
    def sort_key(self) -> tuple[int, int, int, int, str]:
        """Sorts the worst first."""
        states = self.states
        return -states["missing"], -states["partial"], -states["late"], -states["unjudged"], self.code


@dataclass(frozen=True)
class JudgedNights:
    """The judgements of some nights; in the `outage_nights` an outage extended the window."""

    judgements: Mapping[date, NightJudgement]
    outage_nights: frozenset[date]

    def by_night(self) -> dict[date, StateTally]:
        """The counts of each night."""
        return {
            night: StateTally(Counter(each.state for each in judgement.enterprises))
            for night, judgement in self.judgements.items()
        }

    def by_enterprise(self) -> list[EnterpriseTally]:
        """The counts of each enterprise, the worst first."""
        tallies: dict[int, EnterpriseTally] = {}
        for _, judgement in sorted(self.judgements.items()):
            for each in judgement.enterprises:
                tally = tallies.setdefault(each.enterprise.id, EnterpriseTally())
                tally.code, tally.name, tally.risk = each.enterprise.code, each.enterprise.name, each.enterprise.risk
                tally.states[each.state] += 1
        return sorted(tallies.values(), key=lambda tally: tally.sort_key)

    def total(self) -> StateTally:
        """The counts of everything.

        Raises ValueError when the sums by night and by enterprise differ: such a report must not be sent.
        """
        by_night = sum((tally.states for tally in self.by_night().values()), Counter())
        by_enterprise = sum((tally.states for tally in self.by_enterprise()), Counter())
        if by_night != by_enterprise:
            raise ValueError(f"by night {by_night}, by enterprise {by_enterprise}")
        return StateTally(by_night)


def load_judged_nights(
    ctx: Context, first: date, last: date, enterprises: frozenset[int] | None = None
) -> JudgedNights:
    """The nights from the first through the last that have begun and in which this service was running.

    Of these enterprises, None = of all.
    """
    nights = [first + timedelta(days=days) for days in range((last - first).days + 1)]
    windows = {night: submission_window(night, ctx.rules) for night in nights}
    begun = [night for night in nights if windows[night].opens <= ctx.now]
    # In service at one instant means in service at every later one, so a binary search finds the first night.
    served = begun[bisect_left(begun, True, key=lambda night: was_in_service(ctx.store, windows[night].closes)) :]
    if not served:
        return JudgedNights({}, frozenset())
    judgements = judge_nights(ctx, served[0], served[-1], enterprises)
    return JudgedNights(judgements, frozenset(night for night in served if windows[night].extension))


def pushes_by_kind(store: Store, first: date, last: date) -> dict[str, int]:
    """How many links and films were really sent to the groups from the first day through the last."""
    counts: Counter[str] = Counter()
    for _, kind, count in store.content.push_counts(first, last):
        counts[kind] += count
    return dict(counts)


def week_bounds(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week, both morning dates."""
    monday = day - day.weekday() * ONE_DAY
    return monday, monday + 6 * ONE_DAY


def month_bounds(day: date) -> tuple[date, date]:
    """The first and the last night of a day's month: that of the first morning belongs to the new one."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def year_bounds(day: date) -> tuple[date, date]:
    """The first and the last night of a day's year: that of New Year's morning belongs to the new one."""
    return day.replace(month=1, day=1), day.replace(month=12, day=31)
