"""The yearly report: the figures for speeches and briefings, each with the rows it was counted from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from schedules.context import Context
from schedules.hazards.figures import HazardPeriod, hazards_of_period
from schedules.judgement import NightJudgement
from schedules.patrol_night import ONE_DAY
from schedules.reports.enforcement import EnforcementPeriod, enforcement_of_period
from schedules.reports.tallies import EnterpriseTally, StateTally, load_judged_nights, year_bounds
from storage import report_queries
from storage.content import LINK, VIDEO
from storage.store import Store


@dataclass(frozen=True)
class FilmTotals:
    """A number of films, with their total size and length."""

    count: int = 0
    bytes: int = 0
    seconds: float = 0

    def __add__(self, other: FilmTotals) -> FilmTotals:
        return FilmTotals(self.count + other.count, self.bytes + other.bytes, self.seconds + other.seconds)


@dataclass(frozen=True)
class Lapse:
    """An enterprise that was late or missed a part on one night."""

    night: date
    code: str
    name: str
    state: str


@dataclass(frozen=True)
class PushedItem:
    """A link or film that was really sent to one group."""

    day: date
    group: str
    kind: str
    title: str
    url: str | None


@dataclass(frozen=True)
class YearlyReport:
    """A year up to now. In `films_by_enterprise`, films without an enterprise have the code ""."""

    first: date
    last: date
    issued_at: datetime
    total: StateTally
    nights: Mapping[date, StateTally]
    outage_nights: frozenset[date]
    rows: tuple[EnterpriseTally, ...]
    lapses: tuple[Lapse, ...]
    films_by_night: Mapping[date, FilmTotals]
    films_by_enterprise: Mapping[str, FilmTotals]
    reminders: Mapping[date, int]
    pushes: tuple[PushedItem, ...]
    hazards: HazardPeriod
    previous_hazards: HazardPeriod
    enforcement: EnforcementPeriod

    @property
    def films(self) -> FilmTotals:
        """The totals of all filed films."""
        return sum(self.films_by_night.values(), FilmTotals())

    @property
    def unlisted_films(self) -> FilmTotals:
        """Those of no enterprise in `rows`: still unattributed, or of an enterprise that was never expected to film."""
        listed = {row.code for row in self.rows}
        return sum((films for code, films in self.films_by_enterprise.items() if code not in listed), FilmTotals())

    def push_count(self, kind: str) -> int:
        """How often an item of that kind was sent to a group."""
        return sum(each.kind == kind for each in self.pushes)

    @property
    def figures(self) -> dict[str, int | float]:
        """Every figure by name; each is a count or a sum over rows of this report."""
        films = self.films
        return {
            "enterprises": len(self.rows),
            "nights": len(self.nights),
            **self.total.counts,
            "films": films.count,
            "film_bytes": films.bytes,
            "film_hours": round(films.seconds / 3600, 1),
            "reminders": sum(self.reminders.values()),
            "links": self.push_count(LINK),
            "videos": self.push_count(VIDEO),
            "excused_nights": len(self.outage_nights),
            **self.hazards.figures,
            **self.enforcement.figures,
        }


def yearly_report(ctx: Context, day: date) -> YearlyReport:
    """The year that a morning date belongs to, as of now."""
    first, last = year_bounds(day)
    nights = load_judged_nights(ctx, first, last)
    by_night, by_enterprise = _film_totals(ctx.store, first, last)
    return YearlyReport(
        first,
        last,
        ctx.now,
        nights.total(),
        nights.by_night(),
        nights.outage_nights,
        tuple(nights.by_enterprise()),
        _lapses(nights.judgements),
        by_night,
        by_enterprise,
        report_queries.reminders_sent(ctx.store.session, first, last),
        tuple(PushedItem(*row) for row in report_queries.sent_pushes(ctx.store.session, first, last)),
        hazards_of_period(ctx, first, last),
        hazards_of_period(ctx, *year_bounds(first - ONE_DAY)),
        enforcement_of_period(ctx, first, last),
    )


def _film_totals(store: Store, first: date, last: date) -> tuple[dict[date, FilmTotals], dict[str, FilmTotals]]:
    by_night: dict[date, FilmTotals] = defaultdict(FilmTotals)
    by_code: dict[str, FilmTotals] = defaultdict(FilmTotals)
    names = report_queries.enterprise_codes_and_names(store.session)
    for row in report_queries.filed_film_totals(store.session, first, last):
        totals = FilmTotals(row.films, int(row.bytes), float(row.seconds))
        code, _ = names.get(row.enterprise_id, ("", ""))
        by_night[row.night] += totals
        by_code[code] += totals
    return by_night, by_code


def _lapses(judgements: Mapping[date, NightJudgement]) -> tuple[Lapse, ...]:
    return tuple(
        Lapse(night, each.enterprise.code, each.enterprise.name, each.state)
        for night in sorted(judgements)
        for each in judgements[night].enterprises
        if each.state in ("late", "partial", "missing")
    )
