"""The morning message about a daily report: its figures, and in a second line what needs action. Pure.

Everything else stands in the report, to which the message links.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schedules.reports.daily import DailyReport
from schedules.review.night_review import review_deadline
from schedules.rules import RuleBook

_NAMED_STATES = ("missing", "partial", "unjudged")
_MAX_NAMES = 5


def daily_summary(report: DailyReport, rules: RuleBook) -> dict[str, Any]:
    """The parameters of the message."""
    findings = list(_findings(report, rules)) or [_nothing_found(report)]
    return {**report.counts, "night": f"{report.night:%m-%d}", "findings": findings}


def _findings(report: DailyReport, rules: RuleBook) -> Iterator[dict[str, Any]]:
    """The gravest first."""
    if report.emergencies:
        names = list(dict.fromkeys(each["enterprise"] for each in report.emergencies))
        yield {"say": "daily_summary.emergencies", "names": _first(names), "count": len(report.emergencies)}
    for state in _NAMED_STATES:
        if names := [row.name for row in report.rows if row.state == state]:
            yield {"say": f"daily_summary.{state}", "names": _first(names)}
    if report.window.extension:
        yield {"say": "daily_summary.outage", "closes": rules.clock_time(report.window.closes)}
    if report.review.pending:
        until = rules.clock_time(review_deadline(report.night, rules))
        yield {"say": "daily_summary.review", "remaining": len(report.review.pending), "until": until}


def _nothing_found(report: DailyReport) -> dict[str, Any]:
    if not report.rows:
        return {"say": "daily_summary.no_enterprises"}
    return {"say": "daily_summary.complete" if report.counts["late"] else "daily_summary.all_on_time"}


def _first(names: list[str]) -> list[Any]:
    more = len(names) - _MAX_NAMES
    return [*names[:_MAX_NAMES], {"say": "list.more", "count": more}] if more > 0 else names
