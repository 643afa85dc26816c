"""The weekly table, ready to print: every enterprise's nights, and the nights themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.texts import say
from bot.workbooks.reports.report_table import Line, Table, Target, percent, spoken, write_tables
from schedules.judgement import STATES
from schedules.reports.tallies import Tally
from schedules.reports.weekly import WeeklyReport

_COLUMNS = (
    ("序号", 6), ("企业编号", 10), ("企业", 34), ("风险等级", 9), ("应报夜次", 9), ("按时", 7), ("迟报", 7),
    ("部分", 7), ("未报", 7), ("免报", 7), ("待判", 7), ("按时率", 9), ("上周按时率", 11), ("上周未报", 9),
)  # fmt: skip
_NIGHT_COLUMNS = (
    ("夜", 14), ("应报（家）", 11), ("按时", 7), ("迟报", 7), ("部分", 7), ("未报", 7), ("免报", 7), ("待判", 7),
    ("按时率", 9), ("备注", 24),
)  # fmt: skip
_WORST_FIRST = ("missing", "partial", "unjudged", "late")


def weekly_table(target: Target, report: WeeklyReport, sentences: Sequence[str]) -> None:
    """Write the week to a path or an open binary file; the same report is always the same bytes."""
    title = say("workbook.weekly_title", first=spoken(report.first, year=True), last=spoken(report.last))
    rows = [_row(report, number) for number in range(len(report.rows))]
    rows.append(Line(("", "", say("workbook.total"), "", *_shares(report.total, report.before))))
    nights = [_night(report, night) for night in sorted(report.nights)]
    nights.append(Line((say("workbook.total"), *report.total.counts.values(), percent(report.total.on_time_rate), "")))
    made, left = report.issued_at, frozenset({3})
    write_tables(
        target,
        [
            Table(say("workbook.weekly_sheet"), title, sentences, _COLUMNS, left, rows, made),
            Table(say("workbook.nights_sheet"), title, sentences[-1:], _NIGHT_COLUMNS, frozenset({10}), nights, made),
        ],
    )


def _row(report: WeeklyReport, at: int) -> Line:
    row = report.rows[at]
    before = report.rows_before.get(row.code, Tally())
    return Line((at + 1, row.code, row.name, row.risk or "", *_shares(row, before)), colour_of(row))


def _shares(this: Tally, before: Tally) -> tuple[Any, ...]:
    counts = tuple(this.counts.values())
    return (*counts, percent(this.on_time_rate), percent(before.on_time_rate), before.states["missing"])


def _night(report: WeeklyReport, night: Any) -> Line:
    tally = report.nights[night]
    remark = say("workbook.excused") if night in report.excused else ""
    return Line((f"{night:%Y-%m-%d}", *tally.counts.values(), percent(tally.on_time_rate), remark))


def colour_of(tally: Tally) -> str:
    """The state a row is coloured by: the worst that occurred."""
    return next((state for state in (*_WORST_FIRST, *STATES) if tally.states[state]), "exempt")
