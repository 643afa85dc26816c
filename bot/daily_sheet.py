"""The daily report as the office's Excel sheet."""

from __future__ import annotations

from datetime import datetime
from typing import IO

from bot.texts import say
from bot.workbooks.daily import DailyRow, DailyTable, daily_table
from schedules.reports import DailyReport, ReportRow
from schedules.rules import RuleBook


def write_daily(target: IO[bytes] | str, report: DailyReport, book: RuleBook) -> None:
    """Write the report as a workbook; the same report gives the same bytes."""

    def local(instant: datetime) -> datetime:
        return instant.astimezone(book.zone)

    def row(of: ReportRow) -> DailyRow:
        return DailyRow(
            enterprise=of.name,
            risk=of.risk,
            parts_due=of.due,
            parts_filmed=of.done,
            first_at=local(of.first_at) if of.first_at else None,
            last_at=local(of.last_at) if of.last_at else None,
            state=of.state,
            missing_parts=of.missing,
            remark="；".join(say(f"remark.{mark}") for mark in of.remarks),
        )

    table = DailyTable(
        night=report.night,
        opens=local(report.window.opens),
        closes=local(report.window.closes),
        counts=report.counts,
        leaders=report.leaders,
        staff=report.staff,
        rows=tuple(row(each) for each in report.rows),
        issued_at=local(report.issued_at),
    )
    daily_table(target, table)
