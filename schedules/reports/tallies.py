"""Nights counted together: the one source of the weekly and the yearly table, judged as the daily one is."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from schedules.context import Context
from schedules.judgement import STATES, EnterpriseJudgement, NightJudgement
from schedules.night_judgement import judge_nights
from schedules.notify import was_in_service
from schedules.patrol_night import ONE_DAY, submission_window


@dataclass
class StateTally:
    """How often each state occurred; `expected` is always the sum of the six."""

    states: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        """The states and their sum, as `night --json` has them."""
        return {"expected": self.states.total(), **{state: self.states[state] for state in STATES}}

    @property
    def due(self) -> int:
        """How many had to film and have been judged."""
        return self.states.total() - self.states["exempt"] - self.states["unjudged"]

    @property
    def on_time_rate(self) -> float | None:
        """The share of those that had to film and did so in time; None while nothing was due."""
        return self.states["on_time"] / self.due if self.due else None

    @property
    def rate(self) -> float | None:
        """The share of those that had to film and did so in time or late."""
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
    """Some nights, as they stand at an instant."""

    judgements: Mapping[date, NightJudgement]
    outage_nights: frozenset[date]

    def for_enterprises(self, enterprises: frozenset[int] | None) -> JudgedNights:
        """The same nights of only these enterprises; None = of all."""
        if enterprises is None:
            return self
        some = {
            night: NightJudgement([each for each in of.enterprises if each.enterprise.id in enterprises])
            for night, of in self.judgements.items()
        }
        return JudgedNights(some, self.outage_nights)

    def by_night(self) -> dict[date, StateTally]:
        """Each night's counts."""
        return {
            night: StateTally(Counter(each.state for each in of.enterprises)) for night, of in self.judgements.items()
        }

    def by_enterprise(self) -> list[EnterpriseTally]:
        """Each enterprise's counts, the worst first."""
        found: dict[int, EnterpriseTally] = {}
        for each in self._each():
            row = found.setdefault(each.enterprise.id, EnterpriseTally())
            row.code, row.name, row.risk = each.enterprise.code, each.enterprise.name, each.enterprise.risk
            row.states[each.state] += 1
        return sorted(found.values(), key=lambda row: row.sort_key)

    def _each(self) -> Iterable[EnterpriseJudgement]:
        return (each for night in sorted(self.judgements) for each in self.judgements[night].enterprises)

    def total(self) -> StateTally:
        """Everything together, proven by both ways of adding it up.

        Raises ValueError when they differ: a table whose sums are not proven must not go out.
        """
        totals = [
            sum((row.states for row in rows), Counter()) for rows in (self.by_night().values(), self.by_enterprise())
        ]
        if totals[0] != totals[1]:
            raise ValueError(f"by night {totals[0]}, by enterprise {totals[1]}")
        return StateTally(totals[0])


def load_judged_nights(ctx: Context, first: date, last: date) -> JudgedNights:
    """The nights from one through another that have begun and that this service was there for."""
    nights = [first + timedelta(days=days) for days in range((last - first).days + 1)]
    spans = {night: submission_window(night, ctx.rules) for night in nights}
    # Awake at one instant is awake at every later one: what is asked of each night is asked once.
    begun = [night for night in nights if spans[night].opens <= ctx.now]
    served = begun[bisect_left(begun, True, key=lambda night: was_in_service(ctx.store, spans[night].closes)) :]
    if not served:
        return JudgedNights({}, frozenset())
    judged = judge_nights(ctx, served[0], served[-1])
    return JudgedNights(judged, frozenset(night for night in served if spans[night].extension))


def week_bounds(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week, both morning dates."""
    monday = day - day.weekday() * ONE_DAY
    return monday, monday + 6 * ONE_DAY


def year_bounds(day: date) -> tuple[date, date]:
    """The first and the last night of a day's year: that of New Year's morning belongs to the new one."""
    return day.replace(month=1, day=1), day.replace(month=12, day=31)
