"""The yearly table: a sheet of figures, and sheets with the rows they were counted from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.texts import say
from bot.workbooks.reports.enforcement import enforcement_sheets, enforcement_tables
from bot.workbooks.reports.hazards import hazard_tables, rows_sheet
from bot.workbooks.reports.periods import worst_state
from bot.workbooks.reports.report_table import STATE_STYLES, Percent, ReportTable, TableRow
from schedules.reports.tallies import StateTally
from schedules.reports.yearly import FilmTotals, YearlyReport
from schedules.rules import RuleBook

PREVIOUS_YEAR = "上年"
_COUNTS = (
    ("应报", 9),
    ("按时", 9),
    ("迟报", 9),
    ("部分未报", 9),
    ("未报", 9),
    ("停产免报", 9),
    ("待判", 9),
    ("按时率", 9),
)
_FIGURES = (("项目", 30), ("数值", 16), ("明细", 16))
_ENTERPRISES = (("企业编号", 10), ("企业", 34), ("风险等级", 9), *_COUNTS, ("视频（段）", 11), ("时长（小时）", 12))
_NIGHTS = (("夜", 14), *_COUNTS, ("视频（段）", 11), ("催报（条）", 11), ("备注", 24))
_LAPSES = (("夜", 14), ("企业编号", 10), ("企业", 34), ("状态", 9))
_PUSHES = (("日期", 14), ("群", 24), ("类型", 8), ("标题", 40), ("链接", 50))
# The sheet with the rows of each figure.
_SHEET_OF = {
    "enterprises": "enterprises",
    "nights": "nights",
    "expected": "nights",
    "on_time": "nights",
    "late": "lapses",
    "partial": "lapses",
    "missing": "lapses",
    "exempt": "nights",
    "unjudged": "nights",
    "films": "enterprises",
    "film_hours": "enterprises",
    "reminders": "nights",
    "links": "pushes",
    "videos": "pushes",
    "excused_nights": "nights",
}


def yearly_tables(report: YearlyReport, intro_lines: Sequence[str], rules: RuleBook) -> list[ReportTable]:
    """A sheet of figures, and the rows behind each."""
    title, issued_at = say("workbook.yearly_title", year=report.first.year), report.issued_at.astimezone(rules.zone)
    sheets: dict[str, tuple[Sequence[tuple[str, float]], list[TableRow], set[int]]] = {
        "figures": (_FIGURES, _figures(report), {1}),
        "enterprises": (_ENTERPRISES, _enterprises(report), {2}),
        "nights": (_NIGHTS, [_night(report, night) for night in sorted(report.nights)], {12}),
        "lapses": (_LAPSES, _lapses(report), {3}),
        "pushes": (_PUSHES, [TableRow(_pushed(each)) for each in report.pushes], {4, 5}),
    }
    names = {row.code: row.name for row in report.rows}
    return [
        *(
            ReportTable(_sheet(name), title, intro_lines, columns, frozenset(words), rows, issued_at)
            for name, (columns, rows, words) in sheets.items()
        ),
        *hazard_tables(report.hazards, report.previous_hazards, PREVIOUS_YEAR, names, issued_at),
        *enforcement_tables(report.enforcement, title, issued_at),
    ]


def _sheet(name: str) -> str:
    return say(f"yearly_sheet.{name}")


def _figures(report: YearlyReport) -> list[TableRow]:
    figures = report.figures
    sheet_of = {name: _sheet(sheet) for name, sheet in _SHEET_OF.items()}
    sheet_of |= dict.fromkeys(report.hazards.figures, rows_sheet()) | enforcement_sheets()
    return [TableRow((say(f"figure.{name}"), figures[name], sheet)) for name, sheet in sheet_of.items()]


def _counts(tally: StateTally) -> tuple[Any, ...]:
    return (*tally.counts.values(), Percent(tally.on_time_rate))


def _enterprises(report: YearlyReport) -> list[TableRow]:
    films = report.films_by_enterprise
    lines = [
        TableRow(
            (row.code, row.name, row.risk or "", *_counts(row), *_size(films.get(row.code, FilmTotals()))),
            worst_state(row),
        )
        for row in report.rows
    ]
    if report.unlisted_films.count:
        lines.append(
            TableRow(
                (
                    "",
                    say("workbook.unattributed_or_unregistered"),
                    "",
                    *[""] * len(_COUNTS),
                    *_size(report.unlisted_films),
                )
            )
        )
    lines.append(TableRow(("", say("workbook.total"), "", *_counts(report.total), *_size(report.films))))
    return lines


def _size(films: FilmTotals) -> tuple[int, float]:
    return films.count, round(films.seconds / 3600, 1)


def _night(report: YearlyReport, night: date) -> TableRow:
    tally, films = report.nights[night], report.films_by_night.get(night, FilmTotals())
    remark = say("workbook.deadline_extended") if night in report.outage_nights else ""
    return TableRow((night, *_counts(tally), films.count, report.reminders.get(night, 0), remark))


def _lapses(report: YearlyReport) -> list[TableRow]:
    return [
        TableRow((each.night, each.code, each.name, say(STATE_STYLES[each.state][0])), each.state)
        for each in report.lapses
    ]


def _pushed(each: Any) -> tuple[Any, ...]:
    return each.day, each.group, each.kind, each.title, each.url or ""
