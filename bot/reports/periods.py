"""The weekly, monthly and yearly reports as tables, JSON values, sentences, and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.reports.enforcement import enforcement_json
from bot.reports.hazard_figures import hazards_json
from bot.texts import say
from bot.workbooks.reports.enforcement import enforcement_sentence
from bot.workbooks.reports.hazards import hazards_sentence
from bot.workbooks.reports.periods import PREVIOUS, period_tables
from bot.workbooks.reports.report_table import ReportTable, format_percent
from bot.workbooks.reports.yearly import PREVIOUS_YEAR, yearly_tables
from schedules.judgement import STATES
from schedules.reports.periods import PeriodReport
from schedules.reports.tallies import StateTally
from schedules.reports.yearly import YearlyReport
from schedules.rules import RuleBook

_SPAN_NAMES = {"weekly": "week", "monthly": "month"}
_MAX_NAMED = 3


def period_sentences(report: PeriodReport) -> list[str]:
    """A summary; then, if there are any, the enterprises with most missing films."""
    total, before = report.total, report.previous_total
    rate = format_percent(before.on_time_rate)
    summary = say(
        f"{report.period}.sentence",
        nights=len(report.nights),
        **total.counts,
        rate=format_percent(total.on_time_rate),
        compared=[{"say": f"{report.period}.compared", "rate": rate}] if before.due else [],
        enterprises=len(report.rows),
    )
    worst = [
        {
            "say": "period.worst_one",
            "name": row.name,
            "missing": row.states["missing"],
            "partial": row.states["partial"],
        }
        for row in report.rows[:_MAX_NAMED]
        if row.states["missing"] or row.states["partial"]
    ]
    hazards = hazards_sentence(report.hazards, report.previous_hazards.tally(), PREVIOUS[report.period])
    return [summary, *([say("period.worst", worst=worst)] if worst else []), hazards]


def yearly_sentence(report: YearlyReport) -> str:
    rate = format_percent(report.total.on_time_rate)
    return say("yearly.sentence", year=report.first.year, rate=rate, **report.figures)


def yearly_sentences(report: YearlyReport) -> list[str]:
    """The sentence of the nights, that of the hazards, and that of the inspections."""
    hazards = hazards_sentence(report.hazards, report.previous_hazards.tally(), PREVIOUS_YEAR)
    return [yearly_sentence(report), hazards, enforcement_sentence(report.enforcement)]


def tables_of_period(report: PeriodReport, rules: RuleBook) -> list[ReportTable]:
    return period_tables(report, period_sentences(report), rules)


def tables_of_year(report: YearlyReport, rules: RuleBook) -> list[ReportTable]:
    return yearly_tables(report, yearly_sentences(report), rules)


def period_json(report: PeriodReport, rules: RuleBook) -> dict[str, Any]:
    return {
        _SPAN_NAMES[report.period]: [report.first.isoformat(), report.last.isoformat()],
        "issued_at": _local(report.issued_at, rules),
        "sentence": period_sentences(report)[0],
        "total": _tally(report.total),
        "before": _tally(report.previous_total),
        "nights": _nights(report.nights, report.outage_nights),
        "enterprises": [
            {
                "code": row.code,
                "name": row.name,
                "risk": row.risk,
                **_tally(row),
                "before": _tally(report.previous_rows.get(row.code, StateTally())),
            }
            for row in report.rows
        ],
        "reminders_sent": report.reminders_sent,
        "pushes": dict(report.pushes),
        "hazards": hazards_json(report.hazards, report.previous_hazards, rules),
    }


def yearly_json(report: YearlyReport, rules: RuleBook) -> dict[str, Any]:
    """The figures, and the rows behind each."""
    films = report.films_by_enterprise
    return {
        "year": report.first.year,
        "issued_at": _local(report.issued_at, rules),
        "sentence": yearly_sentence(report),
        "figures": {**report.figures, "on_time_rate": _round_share(report.total.on_time_rate)},
        "enterprises": [
            {"code": row.code, "name": row.name, "risk": row.risk, **_tally(row), **_film_totals(films.get(row.code))}
            for row in report.rows
        ],
        "films_elsewhere": _film_totals(report.unlisted_films),
        "nights": [
            {**each, **_film_totals(report.films_by_night.get(night)), "reminders": report.reminders.get(night, 0)}
            for night, each in zip(sorted(report.nights), _nights(report.nights, report.outage_nights), strict=True)
        ],
        "lapses": [{**vars(each), "night": each.night.isoformat()} for each in report.lapses],
        "pushes": [{**vars(each), "day": each.day.isoformat()} for each in report.pushes],
        "hazards": hazards_json(report.hazards, report.previous_hazards, rules),
        **enforcement_json(report.enforcement),
    }


def _nights(nights: Mapping[date, StateTally], excused: frozenset[date]) -> list[dict[str, Any]]:
    return [
        {"night": night.isoformat(), **_tally(nights[night]), "excused": night in excused} for night in sorted(nights)
    ]


def _tally(tally: StateTally) -> dict[str, Any]:
    return {**tally.counts, "on_time_rate": _round_share(tally.on_time_rate), "rate": _round_share(tally.rate)}


def _round_share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _film_totals(films: Any) -> dict[str, Any]:
    if films is None:
        return {"films": 0, "bytes": 0, "seconds": 0}
    return {"films": films.count, "bytes": films.bytes, "seconds": round(films.seconds, 1)}


def _local(instant: datetime, rules: RuleBook) -> str:
    return instant.astimezone(rules.zone).isoformat()


def print_period(report: PeriodReport, _rules: RuleBook) -> None:
    """Print the summary and a table of the enterprises, the worst first."""
    console = Console()
    for sentence in period_sentences(report):
        console.print(sentence)
    table = Table(box=None, pad_edge=False)
    for heading in ("board.code", "board.enterprise", *(f"board.{state}" for state in STATES), "board.rate"):
        table.add_column(say(heading), no_wrap=True)
    for row in report.rows:
        numbers = (str(row.states[state] or "") for state in STATES)
        table.add_row(row.code, row.name, *numbers, format_percent(row.on_time_rate))
    console.print(table)


def print_yearly(report: YearlyReport, _rules: RuleBook) -> None:
    """Print the summary and the figures."""
    console = Console()
    for sentence in yearly_sentences(report):
        console.print(sentence)
    for name, figure in report.figures.items():
        if name != "film_bytes":
            console.print(f"{say(f'figure.{name}')}  {figure}")
