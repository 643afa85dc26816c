"""The weekly report: every enterprise's nights from Monday through Sunday, beside those of the week previous."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedules.context import Context
from schedules.reports.tallies import EnterpriseTally, StateTally, load_judged_nights, pushes_by_kind, week_bounds
from storage import report_queries

_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class WeeklyReport:
    """One week and the totals of the one before; all enterprises, the worst first."""

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


def weekly_report(ctx: Context, day: date) -> WeeklyReport:
    """The week that a morning date belongs to, as of now."""
    first, last = week_bounds(day)
    week = load_judged_nights(ctx, first, last)
    previous = load_judged_nights(ctx, first - _WEEK, last - _WEEK)
    return WeeklyReport(
        first,
        last,
        ctx.now,
        week.total(),
        previous.total(),
        week.by_night(),
        week.outage_nights,
        tuple(week.by_enterprise()),
        {row.code: row for row in previous.by_enterprise()},
        reminders_sent=sum(report_queries.reminders_sent(ctx.store.session, first, last).values()),
        pushes=pushes_by_kind(ctx.store, first, last),
    )
