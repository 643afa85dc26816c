"""The kinds of report, each with what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.reports import amendment, daily, periods
from bot.workbooks.reports.amendment import amendment_tables
from bot.workbooks.reports.daily import daily_tables
from bot.workbooks.reports.report_table import ReportTable
from schedules.context import Context
from schedules.reports.issued import current_daily_report
from schedules.reports.periods import monthly_report, weekly_report
from schedules.reports.yearly import yearly_report
from schedules.rules import RuleBook


@dataclass(frozen=True)
class ReportKind:
    """`make` computes the report that a day belongs to; the others show it in one way each."""

    make: Callable[[Context, date], Any]
    tables: Callable[[Any, RuleBook], list[ReportTable]]
    to_json: Callable[[Any, RuleBook], dict[str, Any]]
    show: Callable[[Any, RuleBook], None]


REPORTS = {
    "daily": ReportKind(current_daily_report, daily_tables, daily.daily_json, daily.print_daily),
    "weekly": ReportKind(weekly_report, periods.tables_of_period, periods.period_json, periods.print_period),
    "monthly": ReportKind(monthly_report, periods.tables_of_period, periods.period_json, periods.print_period),
    "year": ReportKind(yearly_report, periods.tables_of_year, periods.yearly_json, periods.print_yearly),
}


def amendment_kind(number: int) -> ReportKind:
    """The amendment of that number to a daily report. Making it raises OperationRefused if there is none."""
    return ReportKind(
        lambda ctx, night: amendment.find_amendment(ctx.store, night, number),
        amendment_tables,
        amendment.amendment_json,
        amendment.print_amendment,
    )
