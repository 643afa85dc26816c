"""The weekly table: every enterprise's nights from Monday's to Sunday's, beside those of the week before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schedules.context import Context
from schedules.reports.tallies import EnterpriseTally, StateTally, load_judged_nights, week_bounds
from storage import report_queries
from storage.store import Store

_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class WeeklyReport:
    """One week and the totals of the one before; the worst enterprise comes first, those with nothing amiss stay."""

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
    """The table of the week that a morning date belongs to, as it stands now."""
    first, last = week_bounds(day)
    this = load_judged_nights(ctx, first, last)
    before = load_judged_nights(ctx, first - _WEEK, last - _WEEK)
    return WeeklyReport(
        first,
        last,
        ctx.now,
        this.total(),
        before.total(),
        this.by_night(),
        this.outage_nights,
        tuple(this.by_enterprise()),
        {row.code: row for row in before.by_enterprise()},
        reminders_sent=sum(report_queries.reminders_sent(ctx.store.session, first, last).values()),
        pushes=pushes_by_kind(ctx.store, first, last),
    )


def pushes_by_kind(store: Store, first: date, last: date) -> dict[str, int]:
    """How many links and films really reached the groups."""
    counts: dict[str, int] = {}
    for _, kind, number in store.content.push_counts(first, last):
        counts[kind] = counts.get(kind, 0) + number
    return counts
