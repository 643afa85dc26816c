"""The list of all reports of a span: each with its figures, and beside a daily report its amendments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schedules.context import Context
from schedules.judgement import STATES
from schedules.reports.tallies import StateTally, load_judged_nights, month_bounds, week_bounds, year_bounds


@dataclass(frozen=True)
class ListedAmendment:
    """The figures are those after the amendment."""

    number: int
    issued_at: datetime
    tally: StateTally


@dataclass(frozen=True)
class ListedReport:
    """One report and its figures: a daily report as it was issued, everything else as of now.

    `first` and `last` are nights, the same one for a daily report; `issued_at` is None for what was not issued.
    """

    first: date
    last: date
    tally: StateTally
    issued_at: datetime | None = None
    amendments: tuple[ListedAmendment, ...] = ()


def listed_nights(ctx: Context, first: date, last: date) -> list[ListedReport]:
    """The daily reports of the nights from the first through the last, the latest first."""
    issued: dict[date, list[ListedAmendment]] = {}
    for night, number, issued_at, counts in ctx.store.issued_reports.counts_between(first, last):
        issued.setdefault(night, []).append(ListedAmendment(number, issued_at, _tally(counts)))
    listed = []
    for night, tally in load_judged_nights(ctx, first, last).by_night().items():
        reports = issued.get(night, [])
        original = reports[0] if reports else None
        figures, issued_at = (original.tally, original.issued_at) if original else (tally, None)
        listed.append(ListedReport(night, night, figures, issued_at, tuple(reports[1:])))
    return _latest_first(listed)


def listed_weeks(ctx: Context, first: date, last: date) -> list[ListedReport]:
    """The weekly reports of all weeks with a night of this span, the latest first."""
    return _listed(ctx, week_bounds(first)[0], week_bounds(last)[1], week_bounds)


def listed_months(ctx: Context, first: date, last: date) -> list[ListedReport]:
    return _listed(ctx, first, last, month_bounds)


def listed_years(ctx: Context, first: date, last: date) -> list[ListedReport]:
    return _listed(ctx, first, last, year_bounds)


def _listed(ctx: Context, first: date, last: date, bounds: Callable[[date], tuple[date, date]]) -> list[ListedReport]:
    sums: dict[tuple[date, date], Counter[str]] = {}
    for night, tally in load_judged_nights(ctx, first, last).by_night().items():
        sums.setdefault(bounds(night), Counter()).update(tally.states)
    return _latest_first(ListedReport(*span, StateTally(states)) for span, states in sums.items())


def _latest_first(listed: Iterable[ListedReport]) -> list[ListedReport]:
    return sorted(listed, key=lambda report: report.first, reverse=True)


def _tally(counts: Mapping[str, Any]) -> StateTally:
    return StateTally(Counter({state: counts.get(state, 0) for state in STATES}))
