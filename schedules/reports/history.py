"""Many nights side by side, for those who look back: each enterprise's states, and what each night came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.reports.tallies import OfEnterprise, Tally, nights_of
from schedules.rules import RuleBook
from storage.store import Store


@dataclass(frozen=True)
class Line:
    """One enterprise over the nights: its counts, and its state in each night in which it was expected."""

    tally: OfEnterprise
    states: Mapping[date, str]


@dataclass(frozen=True)
class History:
    """The nights in order; in those of `excused` we or the platform were down."""

    nights: Sequence[date]
    excused: frozenset[date]
    lines: Sequence[Line]
    tallies: Mapping[date, Tally]


def history(
    store: Store, first: date, last: date, rules: RuleBook, now: datetime, enterprises: frozenset[int] | None = None
) -> History:
    """The nights from one through another, of these enterprises (None = all); the worst first."""
    found = nights_of(store, first, last, rules, now).of(enterprises)
    states: dict[str, dict[date, str]] = {}
    for night, judged in found.judged.items():
        for each in judged.enterprises:
            states.setdefault(each.enterprise.code, {})[night] = each.state
    lines = [Line(row, states[row.code]) for row in found.by_enterprise()]
    return History(sorted(found.judged), found.excused, lines, found.by_night())
