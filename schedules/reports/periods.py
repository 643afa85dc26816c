"""The weekly and the monthly report: every enterprise's nights of the period, beside those of the period before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from schedules.context import Context
from schedules.hazards.figures import HazardPeriod, hazards_of_period
from schedules.patrol_night import ONE_DAY
from schedules.reports.tallies import (
    EnterpriseTally,
    StateTally,
    load_judged_nights,
    month_bounds,
    pushes_by_kind,
    week_bounds,
)
from storage import report_queries

Period = Literal["weekly", "monthly"]
_BOUNDS = {"weekly": week_bounds, "monthly": month_bounds}


@dataclass(frozen=True)
class PeriodReport:
    """One week or month and the totals of the one before; all enterprises, the worst first."""

    period: Period
    first: date
    last: date
    issued_at: datetime
    total: StateTally
    previous_total: StateTally
    nights: Mapping[date, StateTally]
    outage_nights: frozenset[date]
    rows: tuple[EnterpriseTally, ...]
    previous_rows: Mapping[str, StateTally]
    reminders_sent: int
    pushes: Mapping[str, int]
    hazards: HazardPeriod
    previous_hazards: HazardPeriod


def weekly_report(ctx: Context, day: date) -> PeriodReport:
    """The week that a morning date belongs to, as of now."""
    return _report(ctx, "weekly", day)


def monthly_report(ctx: Context, day: date) -> PeriodReport:
    """The month that a morning date belongs to, as of now."""
    return _report(ctx, "monthly", day)


def _report(ctx: Context, period: Period, day: date) -> PeriodReport:
    first, last = _BOUNDS[period](day)
    judged = load_judged_nights(ctx, first, last)
    previous_bounds = _BOUNDS[period](first - ONE_DAY)
    previous = load_judged_nights(ctx, *previous_bounds)
    return PeriodReport(
        period,
        first,
        last,
        ctx.now,
        judged.total(),
        previous.total(),
        judged.by_night(),
        judged.outage_nights,
        tuple(judged.by_enterprise()),
        {row.code: row for row in previous.by_enterprise()},
        reminders_sent=sum(report_queries.reminders_sent(ctx.store.session, first, last).values()),
        pushes=pushes_by_kind(ctx.store, first, last),
        hazards=hazards_of_period(ctx, first, last),
        previous_hazards=hazards_of_period(ctx, *previous_bounds),
    )
