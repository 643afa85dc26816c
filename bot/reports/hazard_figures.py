"""The hazards of a period as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from schedules.hazards.figures import FIGURES, CountedHazard, HazardPeriod, HazardTally
from schedules.rules import RuleBook
from storage.hazard_terms import LEVELS


def four(tally: HazardTally) -> dict[str, int]:
    """Found, closed, overdue and extended."""
    return {name: getattr(tally, name) for name in FIGURES}


def hazards_json(this: HazardPeriod, before: HazardPeriod, rules: RuleBook) -> dict[str, Any]:
    """The figures of a period beside those of the one before, their parts, and the rows they are counted from."""
    enterprises, previous = this.by_enterprise(), before.by_enterprise()
    return {
        "total": _tally(this.tally()),
        "before": _tally(before.tally()),
        "levels": {level: _tally(this.only(level=level).tally()) for level in LEVELS},
        "levels_before": {level: _tally(before.only(level=level).tally()) for level in LEVELS},
        "kinds": {kind: _tally(tally) for kind, tally in this.by_kind().items()},
        "enterprises": {
            code: {**_tally(tally), "before": four(previous.get(code, HazardTally()))}
            for code, tally in sorted(enterprises.items())
        },
        "rows": rows_json(this, rules),
    }


def rows_json(period: HazardPeriod, rules: RuleBook) -> list[dict[str, Any]]:
    """Each hazard with what it counts for."""
    return [_row(row, rules) for row in period.rows]


def _row(row: CountedHazard, rules: RuleBook) -> dict[str, Any]:
    dates = {name: day and day.isoformat() for name, day in vars(row).items() if name in _DATES}
    values = {**vars(row), **dates, "found_at": row.found_at.astimezone(rules.zone).isoformat()}
    del values["tally"]
    return {**values, **asdict(row.tally)}


_DATES = ("found_on", "deadline", "accepted_on")


def _tally(tally: HazardTally) -> dict[str, Any]:
    return {**asdict(tally), "rate": None if tally.rate is None else round(tally.rate, 4)}
