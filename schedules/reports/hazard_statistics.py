"""How hazards develop: found and closed by week, the age of the open ones, and where and of which kind they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from schedules.context import Context
from schedules.patrol_night import ONE_DAY, local_instant
from schedules.reports.tallies import week_bounds

WEEKS = 26
# So many days after the finding an age group ends; the last one has no end.
_AGES = (7, 15, 30, 60, 90)
_MOST = 10


@dataclass(frozen=True)
class WeekCount:
    """A week from Monday, and how many hazards were found and were accepted in it."""

    first: date
    last: date
    found: int
    closed: int


@dataclass(frozen=True)
class AgeCount:
    """Open hazards found between the dates, both included; None: at any earlier time. `days`: their age."""

    days: tuple[int, int | None]
    found_from: date | None
    found_until: date
    count: int


@dataclass(frozen=True)
class PlaceCount:
    """Hazards of one part; `part_id` is None where it is not known, `kind` where all kinds count."""

    enterprise_id: int
    part_id: int | None
    count: int
    kind: str | None = None


@dataclass(frozen=True)
class HazardStatistics:
    """Of `since` until now, and the open hazards whenever they were found; the latest week and the most first."""

    since: date
    weeks: Sequence[WeekCount]
    ages: Sequence[AgeCount]
    kinds: Sequence[tuple[str, int]]
    places: Sequence[PlaceCount]
    repeats: Sequence[PlaceCount]


def hazard_statistics(ctx: Context, enterprise_ids: frozenset[int] | None) -> HazardStatistics:
    """The statistics of these enterprises, None = all. What is void counts nowhere."""
    since = week_bounds(ctx.today)[0] - timedelta(weeks=WEEKS - 1)
    figures = ctx.store.hazard_figures
    repeats = [
        PlaceCount(place, part, count, kind) for place, part, kind, count in figures.repeats(since, enterprise_ids)
    ]
    places = [PlaceCount(*row) for row in figures.found_by_part(since, enterprise_ids)]
    return HazardStatistics(
        since,
        _weeks(ctx, since, enterprise_ids),
        _ages(ctx.today, dict(figures.open_by_day(enterprise_ids))),
        Counter(dict(figures.found_by_kind(since, enterprise_ids))).most_common(),
        _top(places),
        _top(repeats),
    )


def _weeks(ctx: Context, since: date, enterprise_ids: frozenset[int] | None) -> list[WeekCount]:
    figures, start = ctx.store.hazard_figures, local_instant(since, time(), ctx.rules)
    found: Counter[date] = Counter()
    for day, count in figures.found_by_day(since, enterprise_ids):
        found[week_bounds(day)[0]] += count
    closed = Counter(_monday(at, ctx) for at in figures.accepted_since(start, enterprise_ids))
    mondays = [since + timedelta(weeks=number) for number in range(WEEKS)]
    return [WeekCount(each, each + 6 * ONE_DAY, found[each], closed[each]) for each in reversed(mondays)]


def _monday(at: datetime, ctx: Context) -> date:
    return week_bounds(ctx.rules.local_date(at))[0]


def _ages(today: date, open_by_day: dict[date, int]) -> list[AgeCount]:
    ages, youngest = [], 0
    for oldest in (*_AGES, None):
        first = None if oldest is None else today - timedelta(days=oldest)
        last = today - timedelta(days=youngest)
        count = sum(number for day, number in open_by_day.items() if (first is None or first <= day) and day <= last)
        ages.append(AgeCount((youngest, oldest), first, last, count))
        youngest = 0 if oldest is None else oldest + 1
    return ages


def _top(places: Sequence[PlaceCount]) -> list[PlaceCount]:
    return sorted(places, key=lambda place: (-place.count, place.enterprise_id, place.part_id or 0))[:_MOST]
