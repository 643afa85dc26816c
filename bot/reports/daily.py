"""The daily report as a workbook, as JSON values and on a terminal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from rich.console import Console

from bot.texts import say
from bot.workbooks.reports.daily import DailyRow, DailyTable, SupervisorRow, write_daily_table
from schedules.reports.daily import DailyReport, ReportRow
from schedules.review.tally import ReviewFinding
from schedules.rules import RuleBook


def write_daily(target: IO[bytes] | str, report: DailyReport, rules: RuleBook) -> None:
    """Write the report as a workbook; the same report gives the same bytes."""
    table = DailyTable(
        night=report.night,
        opens=report.window.opens.astimezone(rules.zone),
        closes=report.window.closes.astimezone(rules.zone),
        window_extension=report.window.extension,
        counts=report.counts,
        leaders=report.leaders,
        backups=report.backups,
        staff=report.staff,
        rows=tuple(_row(each, rules) for each in report.rows),
        issued_at=report.issued_at.astimezone(rules.zone),
        supervisor_row=_supervisor_row(report),
        audit_log_head=report.audit_log_head,
    )
    write_daily_table(target, table)


def _row(row: ReportRow, rules: RuleBook) -> DailyRow:
    return DailyRow(
        enterprise=row.name,
        risk=row.risk,
        parts_due=row.due,
        parts_filmed=row.done,
        first_at=row.first_at.astimezone(rules.zone) if row.first_at else None,
        last_at=row.last_at.astimezone(rules.zone) if row.last_at else None,
        state=row.state,
        missing_parts=row.missing,
        remark="；".join(say(f"mark_label.{mark}") for mark in row.remarks),
        review_progress=f"{row.review.done}/{row.review.due}" if row.review.due else "",
        reviewers=row.review.reviewers,
        review_findings=tuple(map(_finding, row.review.findings)),
    )


def _finding(finding: ReviewFinding) -> str:
    verdict = say(f"verdict.{finding.word}")
    return say("workbook.daily_finding", part=finding.part, verdict=verdict, reason=finding.reason or "").rstrip("：")


def _supervisor_row(report: DailyReport) -> SupervisorRow | None:
    """None if there was nothing to review."""
    review = report.review
    if not review.due:
        return None
    return SupervisorRow(review.due, review.done, review.reviewers, review.pending, round(review.watched_s / 60))


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
        "enterprises": rows,
    }


def print_daily(report: DailyReport) -> None:
    """Print the counts, then the enterprises that are neither on time nor exempt."""
    console = Console()
    counts = "  ".join(f"{say(f'board.{name}')} {number}" for name, number in report.counts.items())
    console.print(say("board.title", night=report.night.isoformat()), counts)
    for row in report.rows:
        if row.state not in ("on_time", "exempt"):
            console.print(f"{say(f'board.{row.state}')}  {row.code} {row.name}  {row.done}/{row.due}")
