"""Many nights side by side: the states of each enterprise, and the counts of each night."""

from __future__ import annotations

from collections import defaultdict
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
    """The nights in order; in the `outage_nights` an outage extended the window."""

    nights: Sequence[date]
    outage_nights: frozenset[date]
    enterprises: Sequence[EnterpriseHistory]
    tallies: Mapping[date, StateTally]


def history(ctx: Context, first: date, last: date, enterprises: frozenset[int] | None = None) -> History:
    """The nights from the first through the last, of these enterprises (None = all), the worst enterprise first."""
    judged = load_judged_nights(ctx, first, last, enterprises)
    states: dict[str, dict[date, str]] = defaultdict(dict)
    for night, judgement in judged.judgements.items():
        for each in judgement.enterprises:
            states[each.enterprise.code][night] = each.state
    rows = [EnterpriseHistory(tally, states[tally.code]) for tally in judged.by_enterprise()]
    return History(sorted(judged.judgements), judged.outage_nights, rows, judged.by_night())
