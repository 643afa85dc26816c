"""An amendment to a daily report as JSON and on a terminal."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.console import Console

from bot.texts import fill, say
from schedules.reports.amendments import amendment_lines
from schedules.reports.changes import Change
from schedules.rules import RuleBook
from storage.db.models import IssuedReport
from storage.errors import OperationRefused
from storage.store import Store


def find_amendment(store: Store, night: date, number: int) -> IssuedReport:
    """Raises OperationRefused when there is none."""
    amendment = store.issued_reports.get(night, number)
    if amendment is None:
        raise OperationRefused("amendment.none", night=night.isoformat(), number=number)
    return amendment


def amendment_json(amendment: IssuedReport, rules: RuleBook) -> dict[str, Any]:
    """What was stated and what it is corrected to; instants are in the zone of the rules."""
    return {
        "night": amendment.night.isoformat(),
        "number": amendment.number,
        "issued_at": amendment.issued_at.astimezone(rules.zone).isoformat(),
        "changes": amendment.changes,
        "trail_head": amendment.audit_log_head,
    }


def print_amendment(amendment: IssuedReport, rules: RuleBook) -> None:
    """Print one line for the county and for each enterprise."""
    console = Console()
    console.print(say("amendment.heading", night=amendment.night.isoformat(), number=amendment.number))
    for line in amendment_lines([Change(**each) for each in amendment.changes], rules):
        console.print(fill(line))
