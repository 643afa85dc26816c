"""How the hazards develop, as plots: each bar with its number, which leads to the hazards in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, render_template

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.enterprise_argument import enterprise_text
from bot.web.dashboard.hazard_filter import chosen_enterprise, selectable_enterprises
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.reports.hazard_statistics import AgeCount, HazardStatistics, PlaceCount, WeekCount, hazard_statistics


@dataclass(frozen=True)
class Bar:
    """A number of hazards; `share` of the longest bar in percent. `query` finds them in the ledger (empty: none)."""

    count: int
    share: float
    query: str
    style: str = "found"


@dataclass(frozen=True)
class PlotRow:
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Plot:
    """A title, the headings of the columns (of the label first), and the rows."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[PlotRow]

    @property
    def is_empty(self) -> bool:
        return not any(bar.count for row in self.rows for bar in row.bars)


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/hazards/statistics."""
    pages = Blueprint("hazard_statistics", __name__)

    @pages.get("/hazards/statistics")
    @requires_permission("hazards.see")
    def show(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            enterprise, error = chosen_enterprise(viewer, ctx)
            ids = frozenset({enterprise.id}) if enterprise else frozenset() if error else viewer.enterprise_ids
            statistics = hazard_statistics(ctx, ids)
            return render_template(
                "hazard_statistics.html",
                plots=_plots(statistics, {"enterprise": enterprise.code} if enterprise else {}, ctx),
                since=statistics.since,
                error=error,
                enterprises=selectable_enterprises(viewer, ctx),
                enterprise_text=enterprise_text(),
            )

    return pages


def _plots(found: HazardStatistics, chosen: dict[str, str], ctx: Context) -> list[Plot]:
    since = {**chosen, "state": "valid", "found_from": found.since.isoformat()}
    return [
        _plot("weeks", ("week", "found", "closed"), [_week(each, chosen) for each in found.weeks]),
        _plot("ages", ("age", "open"), [_age(each, chosen) for each in found.ages]),
        _plot("kinds", ("kind", "found"), [_kind(*each, since) for each in found.kinds]),
        _plot("places", ("place", "found"), _places(found.places, since, ctx)),
        _plot("repeats", ("place", "repeated"), _places(found.repeats, {**since, "repeated": "1"}, ctx)),
    ]


# The label of a row, and its numbers: each with its style and the query that finds the same hazards in the ledger.
_Row = tuple[str, list[tuple[int, str, dict[str, str]]]]


def _plot(name: str, headings: Sequence[str], rows: Sequence[_Row]) -> Plot:
    most = max((count for _, bars in rows for count, _, _ in bars), default=0)

    def bar(count: int, style: str, query: dict[str, str]) -> Bar:
        return Bar(
            count,
            100 * count / most if most else 0,
            urlencode({name: value for name, value in query.items() if value}) if count else "",
            style,
        )

    return Plot(
        name,
        say(f"hazard_statistics.{name}"),
        [say(f"hazard_statistics.{heading}") for heading in headings],
        [PlotRow(label, tuple(bar(*each) for each in bars)) for label, bars in rows],
    )


def _week(week: WeekCount, chosen: dict[str, str]) -> _Row:
    first, last = week.first.isoformat(), week.last.isoformat()
    found = {**chosen, "state": "valid", "found_from": first, "found_until": last}
    closed = {**chosen, "state": "accepted", "accepted_from": first, "accepted_until": last}
    return f"{week.first:%m-%d}", [(week.found, "found", found), (week.closed, "closed", closed)]


def _age(age: AgeCount, chosen: dict[str, str]) -> _Row:
    youngest, oldest = age.days
    more = say("hazard_statistics.older", youngest=youngest)
    label = more if oldest is None else say("hazard_statistics.days", youngest=youngest, oldest=oldest)
    query = {**chosen, "state": "open", "found_until": age.found_until.isoformat()}
    if age.found_from is not None:
        query["found_from"] = age.found_from.isoformat()
    return label, [(age.count, "open", query)]


def _kind(kind: str, count: int, since: dict[str, str]) -> _Row:
    return say(f"hazard_kind.{kind}"), [(count, "found", {**since, "kind": kind})]


def _places(places: Sequence[PlaceCount], since: dict[str, str], ctx: Context) -> list[_Row]:
    register = ctx.store.register
    enterprises, parts, numbers = register.enterprise_names(), register.part_names(), register.part_numbers()
    rows: list[_Row] = []
    for each in places:
        code, name = enterprises[each.enterprise_id]
        part = say("hazard_chat.no_part") if each.part_id is None else parts[each.part_id]
        words = [name, part, *([say(f"hazard_kind.{each.kind}")] if each.kind else [])]
        query = {**since, "enterprise": code, "part": numbers.get(each.part_id or 0, ""), "kind": each.kind or ""}
        # No filter finds those without a part.
        rows.append((" · ".join(words), [(each.count, "found", query if each.part_id is not None else {})]))
    return rows
