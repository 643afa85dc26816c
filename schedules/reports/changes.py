"""The differences between two reports of one night. Pure.

The review is left out: it continues after the report, and corrects nothing in it. So do hazards, except that those
found on the day of the report and registered later are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schedules.reports.daily import DailyReport, ReportRow
from schedules.rules import RuleBook

_NOTHING = "—"
# Of the county: what is listed, not counted.
_LISTS = ("receipts", "hazards")
# A message has room for so many; the amendment itself lists all.
_MOST_LISTED = 20


@dataclass(frozen=True)
class Change:
    """One value that differs; `enterprise` is a name, None for what concerns the whole county.

    `old` and `new` are JSON values, None for nothing: a text, a number, an instant in ISO 8601, a list of texts.
    """

    enterprise: str | None
    field: str
    old: Any
    new: Any


def differences(old: DailyReport, new: DailyReport) -> list[Change]:
    """Everything that a reader of the old report has to correct, the county first."""
    return [*_county(old, new), *_rows(old, new)]


def _county(old: DailyReport, new: DailyReport) -> Iterator[Change]:
    for state, count in new.counts.items():
        if count != old.counts.get(state):
            yield Change(None, state, old.counts.get(state), count)
    known = {film.receipt for film in old.films}
    if added := [film.receipt for film in new.films if film.receipt not in known]:
        yield Change(None, "receipts", None, added)
    if old.hazards is not None and new.hazards is not None:
        reported = {row.number for row in old.hazards.period.rows if row.tally.found}
        if found := [row.number for row in new.hazards.period.rows if row.tally.found and row.number not in reported]:
            yield Change(None, "hazards", None, found)


def _rows(old: DailyReport, new: DailyReport) -> Iterator[Change]:
    before, after = ({row.code: row for row in report.rows} for report in (old, new))
    for code in dict.fromkeys([*after, *before]):
        was, is_ = (_fields(rows.get(code)) for rows in (before, after))
        name = (after.get(code) or before[code]).name
        for field in dict.fromkeys([*is_, *was]):
            if was.get(field) != is_.get(field):
                yield Change(name, field, was.get(field), is_.get(field))


def _fields(row: ReportRow | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {
        "state": row.state,
        "progress": f"{row.done}/{row.due}",
        "first_at": row.first_at.isoformat() if row.first_at else None,
        "last_at": row.last_at.isoformat() if row.last_at else None,
        "missing_parts": list(row.missing) or None,
        "remarks": list(row.remarks) or None,
    }


def change_text(change: Change, rules: RuleBook) -> dict[str, Any]:
    """A change as a text parameter: the field, and both values."""
    shown = {"old": _shown(change.field, change.old, rules), "new": _shown(change.field, change.new, rules)}
    return {"say": "amendment.change", "field": field_text(change), **shown}


def short_change_text(change: Change, rules: RuleBook) -> dict[str, Any]:
    """The same for a message: of a long list the first one, and how many."""
    text = change_text(change, rules)
    if isinstance(change.new, list) and len(change.new) > _MOST_LISTED:
        text["new"] = {"say": "amendment.first_of", "first": change.new[0], "count": len(change.new)}
    return text


def field_text(change: Change) -> dict[str, Any]:
    """The name of what has changed, as a text parameter."""
    is_count = change.enterprise is None and change.field not in _LISTS
    return {"say": f"board.{change.field}" if is_count else f"amendment.{change.field}"}


def _shown(field: str, value: Any, rules: RuleBook) -> Any:
    if value is None:
        return _NOTHING
    if field == "state":
        return {"say": f"board.{value}"}
    if field == "remarks":
        return [{"say": f"mark_label.{mark}"} for mark in value]
    return rules.clock_time(datetime.fromisoformat(value)) if field in ("first_at", "last_at") else value
