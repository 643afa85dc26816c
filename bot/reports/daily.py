"""The daily report as JSON and on a terminal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console

from bot.reports.hazard_figures import four, rows_json
from bot.texts import say
from bot.workbooks.reports.hazards import hazards_of_day_sentence
from schedules.reports.daily import DailyReport
from schedules.rules import RuleBook


def daily_json(report: DailyReport, rules: RuleBook) -> dict[str, Any]:
    """The report as JSON values; instants are in the zone of the rules."""

    def local(instant: datetime | None) -> str | None:
        return instant.astimezone(rules.zone).isoformat() if instant else None

    rows = [
        {**vars(row), "first_at": local(row.first_at), "last_at": local(row.last_at), "review": asdict(row.review)}
        for row in report.rows
    ]
    return {
        "night": report.night.isoformat(),
        "window": [local(report.window.opens), local(report.window.closes)],
        "issued_at": local(report.issued_at),
        "counts": report.counts,
        "leaders": report.leaders,
        "backups": report.backups,
        "staff": report.staff,
        "reminders_sent": report.reminders_sent,
        "pushes": report.pushes,
        "unattributed": report.unattributed,
        "quarantined": report.quarantined,
        "review": asdict(report.review),
        "trail_head": report.audit_log_head,
        "films_digest": report.films_digest,
        "films": [{**vars(film), "sent_at": local(film.sent_at)} for film in report.films],
        "enterprises": rows,
        "hazards": _hazards(report, rules),
    }


def _hazards(report: DailyReport, rules: RuleBook) -> dict[str, Any] | None:
    if report.hazards is None:
        return None
    period, before = report.hazards.period, four(report.hazards.before)
    rows = rows_json(period, rules)
    return {"day": period.first.isoformat(), **four(period.tally()), "before": before, "rows": rows}


def print_daily(report: DailyReport, _rules: RuleBook) -> None:
    """Print the counts, then the enterprises that are neither on time nor exempt."""
    console = Console()
    counts = "  ".join(f"{say(f'board.{name}')} {number}" for name, number in report.counts.items())
    console.print(say("board.title", night=report.night.isoformat()), counts)
    if not report.rows:
        console.print(say("workbook.daily_no_enterprises"))
    if report.hazards is not None:
        console.print(hazards_of_day_sentence(report.hazards))
    for row in report.rows:
        if row.state not in ("on_time", "exempt"):
            console.print(f"{say(f'board.{row.state}')}  {row.code} {row.name}  {row.done}/{row.due}")
