"""One enterprise's month, night by night, for the enterprise itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.context import Context
from schedules.reports.tallies import StateTally, load_judged_nights, month_bounds
from storage import report_queries
from storage.db.models import Enterprise

_COUNTING = ("on_time", "late")


@dataclass(frozen=True)
class EnterpriseNight:
    """`done` of the `due` parts were filmed; `problems`: hazards that the review found. In an `is_extended` night an
    outage extended the window."""

    night: date
    state: str
    done: int
    due: int
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    problems: int
    is_extended: bool


@dataclass(frozen=True)
class EnterpriseMonth:
    """The nights of a month in which the enterprise was expected to film, in order, up to now."""

    enterprise: Enterprise
    first: date
    last: date
    nights: Sequence[EnterpriseNight]
    issued_at: datetime

    @property
    def tally(self) -> StateTally:
        tally = StateTally()
        tally.states.update(each.state for each in self.nights)
        return tally


def enterprise_month(ctx: Context, enterprise: Enterprise, day: date) -> EnterpriseMonth:
    """The month that a morning date belongs to, as of now."""
    first, last = month_bounds(day)
    judged = load_judged_nights(ctx, first, last, frozenset({enterprise.id}))
    sent = report_queries.film_times(ctx.store.session, enterprise.id, first, last)
    problems = ctx.store.hazards.counts_by_night(enterprise.id, first, last, ctx.now)
    nights = []
    for night, judgement in sorted(judged.judgements.items()):
        for each in judgement.enterprises:
            due, done = (
                each.enterprise.due_parts,
                [part for part, state in each.part_states.items() if state in _COUNTING],
            )
            first_sent_at, last_sent_at = sent.get(night, (None, None))
            nights.append(
                EnterpriseNight(
                    night,
                    each.state,
                    sum(part.id in done for part in due),
                    len(due),
                    first_sent_at,
                    last_sent_at,
                    problems.get(night, 0),
                    night in judged.outage_nights,
                )
            )
    return EnterpriseMonth(enterprise, first, last, nights, ctx.now)
