"""Many nights side by side, for those who look back: each enterprise's states, and what each night came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from schedules.context import Context
from schedules.reports.tallies import EnterpriseTally, StateTally, load_judged_nights


@dataclass(frozen=True)
class EnterpriseHistory:
    """One enterprise over the nights: its counts, and its state in each night in which it was expected."""

    tally: EnterpriseTally
    states: Mapping[date, str]


@dataclass(frozen=True)
class History:
    """The nights in order; in those of `excused` we or the platform were down."""

    nights: Sequence[date]
    outage_nights: frozenset[date]
    enterprises: Sequence[EnterpriseHistory]
    tallies: Mapping[date, StateTally]


def history(ctx: Context, first: date, last: date, enterprises: frozenset[int] | None = None) -> History:
    """The nights from one through another, of these enterprises (None = all); the worst first."""
    found = load_judged_nights(ctx, first, last).for_enterprises(enterprises)
    states: dict[str, dict[date, str]] = {}
    for night, judged in found.judgements.items():
        for each in judged.enterprises:
            states.setdefault(each.enterprise.code, {})[night] = each.state
    lines = [EnterpriseHistory(row, states[row.code]) for row in found.by_enterprise()]
    return History(sorted(found.judgements), found.outage_nights, lines, found.by_night())
