"""The figures of a year, for speeches and briefings, each with the rows it was counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from schedules.judgement import NightJudgement
from schedules.reports.tallies import OfEnterprise, Tally, nights_of, year_of
from schedules.rules import RuleBook
from storage import report_queries
from storage.content import FILM, LINK
from storage.store import Store


@dataclass(frozen=True)
class Films:
    """So many films, their bytes and their seconds."""

    number: int = 0
    bytes: int = 0
    seconds: float = 0

    def __add__(self, other: Films) -> Films:
        return Films(self.number + other.number, self.bytes + other.bytes, self.seconds + other.seconds)


@dataclass(frozen=True)
class Lapse:
    """An enterprise that was late, or of which something was missing, on one night."""

    night: date
    code: str
    name: str
    state: str


@dataclass(frozen=True)
class Pushed:
    """A link or film that one group was really sent."""

    day: date
    group: str
    kind: str
    title: str
    url: str | None


@dataclass(frozen=True)
class YearlyReport:
    """A year up to now. Films that nobody has placed yet are counted under the code ""."""

    first: date
    last: date
    issued_at: datetime
    total: Tally
    nights: Mapping[date, Tally]
    excused: frozenset[date]
    rows: tuple[OfEnterprise, ...]
    lapses: tuple[Lapse, ...]
    films_by_night: Mapping[date, Films]
    films_by_enterprise: Mapping[str, Films]
    reminders: Mapping[date, int]
    pushes: tuple[Pushed, ...]

    @property
    def films(self) -> Films:
        """All films filed."""
        return sum(self.films_by_night.values(), Films())

    @property
    def films_elsewhere(self) -> Films:
        """Those of no enterprise of this report: nobody has placed them yet, or nothing was expected of theirs."""
        shown = {row.code for row in self.rows}
        return sum((films for code, films in self.films_by_enterprise.items() if code not in shown), Films())

    def pushed(self, kind: str) -> int:
        """How often a link, or a film, reached a group."""
        return sum(each.kind == kind for each in self.pushes)

    @property
    def figures(self) -> dict[str, int | float]:
        """Every figure by its name; each is the number, or the sum, of rows of this report."""
        films = self.films
        return {
            "enterprises": len(self.rows), "nights": len(self.nights), **self.total.counts, "films": films.number,
            "film_bytes": films.bytes, "film_hours": round(films.seconds / 3600, 1),
            "reminders": sum(self.reminders.values()), "links": self.pushed(LINK), "videos": self.pushed(FILM),
            "excused_nights": len(self.excused),
        }  # fmt: skip


def yearly_report(store: Store, day: date, rules: RuleBook, now: datetime) -> YearlyReport:
    """The figures of the year that a morning date belongs to, as they stand now."""
    first, last = year_of(day)
    nights = nights_of(store, first, last, rules, now)
    by_night, by_enterprise = _films(store, first, last)
    return YearlyReport(
        first, last, now, nights.total(), nights.by_night(), nights.excused, tuple(nights.by_enterprise()),
        _lapses(nights.judged), by_night, by_enterprise, report_queries.reminders_sent(store.session, first, last),
        tuple(Pushed(*row) for row in report_queries.pushes(store.session, first, last)),
    )  # fmt: skip


def _films(store: Store, first: date, last: date) -> tuple[dict[date, Films], dict[str, Films]]:
    by_night: dict[date, Films] = {}
    by_code: dict[str, Films] = {}
    codes = report_queries.codes(store.session)
    for row in report_queries.filed(store.session, first, last):
        films, code = Films(row.films, int(row.bytes), float(row.seconds)), codes.get(row.enterprise_id, "")
        by_night[row.night] = by_night.get(row.night, Films()) + films
        by_code[code] = by_code.get(code, Films()) + films
    return by_night, by_code


def _lapses(judged: Mapping[date, NightJudgement]) -> tuple[Lapse, ...]:
    return tuple(
        Lapse(night, each.enterprise.code, each.enterprise.name, each.state)
        for night in sorted(judged)
        for each in judged[night].enterprises
        if each.state in ("late", "partial", "missing")
    )
