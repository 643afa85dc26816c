"""The kinds of report, each with what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from bot.reports import amendment, daily, periods
from bot.workbooks.reports.amendment import write_amendment_table
from bot.workbooks.reports.daily import write_daily_table
from schedules.context import Context
from schedules.reports.issued import current_daily_report
from schedules.reports.weekly import weekly_report
from schedules.reports.yearly import yearly_report
from schedules.rules import RuleBook


@dataclass(frozen=True)
class ReportKind:
    """`make` computes the report that a day belongs to; the others show it in one way each."""

    make: Callable[[Context, date], Any]
    write: Callable[[BytesIO, Any, RuleBook], None]
    to_json: Callable[[Any, RuleBook], dict[str, Any]]
    show: Callable[[Any, RuleBook], None]

    def workbook(self, report: Any, rules: RuleBook) -> bytes:
        target = BytesIO()
        self.write(target, report, rules)
        return target.getvalue()


REPORTS = {
    "daily": ReportKind(current_daily_report, write_daily_table, daily.daily_json, daily.print_daily),
    "weekly": ReportKind(weekly_report, periods.write_weekly, periods.weekly_json, periods.print_weekly),
    "year": ReportKind(yearly_report, periods.write_yearly, periods.yearly_json, periods.print_yearly),
}


def amendment_kind(number: int) -> ReportKind:
    """The amendment of that number to a daily report. Making it raises OperationRefused if there is none."""
    return ReportKind(
        lambda ctx, night: amendment.find_amendment(ctx.store, night, number),
        write_amendment_table,
        amendment.amendment_json,
        amendment.print_amendment,
    )
