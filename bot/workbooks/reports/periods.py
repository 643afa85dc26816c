"""The weekly and the monthly table: a sheet by enterprise, a sheet by night, and those of hazards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.texts import say
from bot.workbooks.reports.hazards import hazard_tables
from bot.workbooks.reports.report_table import Percent, ReportTable, TableRow, format_date
from schedules.judgement import STATES
from schedules.reports.periods import Period, PeriodReport
from schedules.reports.tallies import StateTally
from schedules.rules import RuleBook

# What the period before is called.
PREVIOUS: dict[Period, str] = {"weekly": "上周", "monthly": "上月"}
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
    ("{}按时率", 11),
    ("{}未报", 9),
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


def period_tables(report: PeriodReport, intro_lines: Sequence[str], rules: RuleBook) -> list[ReportTable]:
    """The sheets of the report."""
    title = say(
        f"{report.period}.title", first=format_date(report.first, with_year=True), last=format_date(report.last)
    )
    columns = [(heading.format(PREVIOUS[report.period]), width) for heading, width in _COLUMNS]
    issued_at, name = report.issued_at.astimezone(rules.zone), say(f"{report.period}.sheet")
    return [
        ReportTable(name, title, intro_lines, columns, frozenset({3}), _enterprises(report), issued_at),
        ReportTable(
            say("workbook.nights_sheet"),
            title,
            intro_lines[:1],
            _NIGHT_COLUMNS,
            frozenset({10}),
            _nights(report),
            issued_at,
        ),
        *hazard_tables(
            report.hazards,
            report.previous_hazards,
            PREVIOUS[report.period],
            {row.code: row.name for row in report.rows},
            issued_at,
        ),
    ]


def _enterprises(report: PeriodReport) -> list[TableRow]:
    rows = []
    for number, row in enumerate(report.rows, 1):
        before = report.previous_rows.get(row.code, StateTally())
        rows.append(TableRow((number, row.code, row.name, row.risk or "", *_shares(row, before)), worst_state(row)))
    total = _shares(report.total, report.previous_total)
    return [*rows, TableRow(("", "", say("workbook.total"), "", *total))]


def _shares(this: StateTally, before: StateTally) -> tuple[Any, ...]:
    return (*this.counts.values(), Percent(this.on_time_rate), Percent(before.on_time_rate), before.states["missing"])


def _nights(report: PeriodReport) -> list[TableRow]:
    total = (say("workbook.total"), *report.total.counts.values(), Percent(report.total.on_time_rate), "")
    return [*(_night(report, night) for night in sorted(report.nights)), TableRow(total)]


def _night(report: PeriodReport, night: date) -> TableRow:
    tally = report.nights[night]
    remark = say("workbook.deadline_extended") if night in report.outage_nights else ""
    return TableRow((night, *tally.counts.values(), Percent(tally.on_time_rate), remark))


def worst_state(tally: StateTally) -> str:
    """The state whose colour a row gets: the worst that occurred."""
    return next((state for state in (*_WORST_FIRST, *STATES) if tally.states[state]), "exempt")
