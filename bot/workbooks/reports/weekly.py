"""The weekly table: a sheet by enterprise and a sheet by night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.texts import say
from bot.workbooks.reports.report_table import (
    OutputTarget,
    ReportTable,
    TableRow,
    format_date,
    format_percent,
    write_workbook,
)
from schedules.judgement import STATES
from schedules.reports.tallies import StateTally
from schedules.reports.weekly import WeeklyReport

_COLUMNS = (
    ("序号", 6),
    ("企业编号", 10),
    ("企业", 34),
    ("风险等级", 9),
    ("应报夜次", 9),
    ("按时", 7),
    ("迟报", 7),
    ("部分未报", 9),
    ("未报", 7),
    ("停产免报", 9),
    ("待判", 7),
    ("按时率", 9),
    ("上周按时率", 11),
    ("上周未报", 9),
)
_NIGHT_COLUMNS = (
    ("夜", 14),
    ("应报（家）", 11),
    ("按时", 7),
    ("迟报", 7),
    ("部分未报", 9),
    ("未报", 7),
    ("停产免报", 9),
    ("待判", 7),
    ("按时率", 9),
    ("备注", 24),
)
_WORST_FIRST = ("missing", "partial", "unjudged", "late")


def write_weekly_table(target: OutputTarget, report: WeeklyReport, intro_lines: Sequence[str]) -> None:
    """Write the report to a path or an open binary file; the same report gives the same bytes."""
    title = say("workbook.weekly_title", first=format_date(report.first, with_year=True), last=format_date(report.last))
    rows = [_row(report, number) for number in range(len(report.rows))]
    rows.append(TableRow(("", "", say("workbook.total"), "", *_shares(report.total, report.previous_total))))
    nights = [_night(report, night) for night in sorted(report.nights)]
    nights.append(
        TableRow((say("workbook.total"), *report.total.counts.values(), format_percent(report.total.on_time_rate), ""))
    )
    made, left = report.issued_at, frozenset({3})
    write_workbook(
        target,
        [
            ReportTable(say("workbook.weekly_sheet"), title, intro_lines, _COLUMNS, left, rows, made),
            ReportTable(
                say("workbook.nights_sheet"), title, intro_lines[-1:], _NIGHT_COLUMNS, frozenset({10}), nights, made
            ),
        ],
    )


def _row(report: WeeklyReport, at: int) -> TableRow:
    row = report.rows[at]
    before = report.previous_rows.get(row.code, StateTally())
    return TableRow((at + 1, row.code, row.name, row.risk or "", *_shares(row, before)), worst_state(row))


def _shares(this: StateTally, before: StateTally) -> tuple[Any, ...]:
    counts = tuple(this.counts.values())
    return (*counts, format_percent(this.on_time_rate), format_percent(before.on_time_rate), before.states["missing"])


def _night(report: WeeklyReport, night: Any) -> TableRow:
    tally = report.nights[night]
    remark = say("workbook.deadline_extended") if night in report.outage_nights else ""
    return TableRow((f"{night:%Y-%m-%d}", *tally.counts.values(), format_percent(tally.on_time_rate), remark))


def worst_state(tally: StateTally) -> str:
    """The state whose colour a row gets: the worst that occurred."""
    return next((state for state in (*_WORST_FIRST, *STATES) if tally.states[state]), "exempt")
