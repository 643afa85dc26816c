"""The tables of hazards in the reports: by enterprise, by level and kind, and the rows that they are counted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from bot.texts import say
from bot.workbooks.hazards.columns import PRINTED, column_of
from bot.workbooks.reports.report_table import Percent, ReportTable, TableRow, format_date, format_percent
from schedules.hazards.figures import FIGURES, NOTHING, CountedHazard, HazardDay, HazardPeriod, HazardTally
from storage.hazard_terms import LEVELS, MAJOR

_ENTERPRISES = (
    ("序号", 6),
    ("企业编号", 10),
    ("企业", 34),
    ("新发现", 9),
    ("已验收", 9),
    ("期末逾期", 10),
    ("批准延期", 10),
    ("期末未销号", 11),
    ("{}新发现", 11),
    ("{}已验收", 11),
    ("{}逾期", 10),
    ("{}延期", 10),
)
_STATISTICS = (
    ("分类", 16),
    ("排查（项）", 11),
    ("已整改（项）", 12),
    ("整改率", 10),
    ("{}排查（项）", 13),
    ("{}已整改（项）", 14),
    ("{}整改率", 11),
    ("期末未销号（项）", 13),
    ("期末逾期（项）", 12),
    ("治理方案齐全（项）", 14),
    ("挂牌督办（项）", 12),
    ("整改资金（万元）", 13),
)
_ROWS = (
    ("隐患编号", 16),
    ("企业编号", 10),
    ("企业", 30),
    ("部位", 16),
    ("事项", 36),
    ("等级", 7),
    ("类型", 7),
    ("来源", 10),
    ("发现日期", 12),
    ("责任人", 10),
    ("时限", 12),
    ("期末状态", 10),
    ("验收日期", 12),
    ("新发现", 8),
    ("已整改", 8),
    ("已验收", 8),
    ("期末逾期", 8),
    ("批准延期（次）", 9),
    ("期末未销号", 8),
)
_COUNTED = ("found", "rectified", "closed", "overdue", "extended", "open")
# Of the kinds, those found most often.
_TOP_KINDS = 5


def rows_sheet() -> str:
    """The title of the sheet with the rows behind every figure."""
    return say("hazard_table.rows_sheet")


def hazards_sentence(this: HazardPeriod, before: HazardTally, previous: str) -> str:
    """The figures in words, with those of the period before, whose name is given (上周)."""
    total = this.tally()
    return say(
        "hazard_table.sentence",
        **{name: getattr(total, name) for name in FIGURES},
        major=this.only(level=MAJOR).tally().found,
        rate=format_percent(total.rate),
        previous=previous,
        **{f"previous_{name}": getattr(before, name) for name in FIGURES},
    )


def hazard_tables(
    this: HazardPeriod, before: HazardPeriod, previous: str, enterprises: Mapping[str, str], issued_at: datetime
) -> list[ReportTable]:
    """The three sheets of a week, month or year. `enterprises`: code -> name of those to be listed in any case."""
    title = say("hazard_table.title", first=format_date(this.first, with_year=True), last=format_date(this.last))
    definitions = [say("hazard_table.counted"), say("hazard_table.counted_at_end")]
    intro = [*definitions, hazards_sentence(this, before.tally(), previous)]
    sheets: list[tuple[str, Sequence[tuple[str, float]], set[int], list[TableRow]]] = [
        (say("hazard_table.sheet"), _ENTERPRISES, {3}, _by_enterprise(this, before, enterprises)),
        (say("hazard_table.statistics_sheet"), _STATISTICS, {1}, _statistics(this, before)),
        (rows_sheet(), _ROWS, {3, 4, 5}, _rows(this)),
    ]
    return [
        ReportTable(
            name,
            title,
            intro,
            [(heading.format(previous), width) for heading, width in columns],
            frozenset(words),
            rows,
            issued_at,
        )
        for name, columns, words, rows in sheets
    ]


def _by_enterprise(this: HazardPeriod, before: HazardPeriod, enterprises: Mapping[str, str]) -> list[TableRow]:
    """The enterprise with most overdue hazards first."""
    names = {**{row.code: row.enterprise for row in (*before.rows, *this.rows)}, **enterprises}
    now, then = this.by_enterprise(), before.by_enterprise()

    def order(code: str) -> tuple[Any, ...]:
        tally = now.get(code, NOTHING)
        return -tally.overdue, -tally.open, -tally.found, code

    rows = []
    for number, code in enumerate(sorted(names, key=order), 1):
        tally = now.get(code, NOTHING)
        cells = (number, code, names[code], *_four(tally), tally.open, *_four(then.get(code, NOTHING)))
        rows.append(TableRow(cells, _colour(tally)))
    total = this.tally()
    return [*rows, TableRow(("", "", say("workbook.total"), *_four(total), total.open, *_four(before.tally())))]


def _colour(tally: HazardTally) -> str | None:
    """What is overdue has the colour of what is missing."""
    return "missing" if tally.overdue else None


def _four(tally: HazardTally) -> tuple[int, ...]:
    return tuple(getattr(tally, name) for name in FIGURES)


def _statistics(this: HazardPeriod, before: HazardPeriod) -> list[TableRow]:
    """General and major hazards, their sum, and the kinds found most often."""

    def line(label: str, **wanted: str) -> TableRow:
        return _statistics_row(label, this.only(**wanted), before.only(**wanted))

    return [
        *(line(say(f"hazard_table.{level}"), level=level) for level in LEVELS),
        line(say("workbook.total")),
        *(
            line(say("hazard_table.kind", name=say(f"hazard_kind.{kind}")), kind=kind)
            for kind, tally in list(this.by_kind().items())[:_TOP_KINDS]
            if tally.found
        ),
    ]


def _statistics_row(label: str, this: HazardPeriod, before: HazardPeriod) -> TableRow:
    now, then = this.tally(), before.tally()
    still_open = [row for row in this.rows if row.tally.open]
    major = [row for row in still_open if row.level == MAJOR]
    funds = sum(row.cost_yuan or 0 for row in this.rows if row.tally.found)
    return TableRow(
        (
            label,
            *(now.found, now.rectified, Percent(now.rate)),
            *(then.found, then.rectified, Percent(then.rate)),
            *(now.open, now.overdue),
            sum(row.plan_complete for row in major),
            sum(row.supervised_by is not None for row in still_open),
            round(funds / 10_000, 2),
        )
    )


def _rows(this: HazardPeriod) -> list[TableRow]:
    """Every hazard that counts, with 1 where it counts; the sums are the figures."""
    rows = [
        TableRow(
            (
                *(row.number, row.code, row.enterprise, row.part or "", row.matter or ""),
                *(say(f"hazard_level.{row.level}"), say(f"hazard_kind.{row.kind}"), say(f"hazard_source.{row.source}")),
                *(row.found_on, row.responsible or "", row.deadline),
                *(say(f"hazard_state.{row.state}"), row.accepted_on),
                *(getattr(row.tally, name) or "" for name in _COUNTED),
            ),
            _colour(row.tally),
        )
        for row in this.rows
    ]
    total = this.tally()
    blank = [""] * (len(_ROWS) - len(_COUNTED) - 1)
    return [*rows, TableRow((say("workbook.total"), *blank, *(getattr(total, name) for name in _COUNTED)))]


def hazards_of_day_sentence(day: HazardDay) -> str:
    """The figures of a day in words, with those of the day before."""
    return hazards_sentence(day.period, day.before, say("hazard_table.day_before"))


def hazards_of_day_table(day: HazardDay, issued_at: datetime) -> ReportTable:
    """The hazards that were found, closed or extended on a day, or were overdue at its end, in the printed form."""
    title = say("hazard_table.day_title", day=format_date(day.period.first, with_year=True))
    intro = [say("hazard_table.day_intro"), hazards_of_day_sentence(day)]
    columns = [
        (say("hazard_table.happened"), 12.0),
        *((heading, column_of(field).width) for field, heading in PRINTED.items()),
    ]
    left = frozenset(number for number, field in enumerate(PRINTED, 2) if field in _LEFT)
    rows = [
        TableRow((_happened(row.tally), *_printed(ordinal, row, issued_at.tzinfo)), _colour(row.tally))
        for ordinal, row in enumerate(day.period.rows, 1)
    ]
    return ReportTable(say("hazard_table.sheet"), title, intro, columns, left, rows, issued_at)


_LEFT = ("enterprise", "part", "matter", "measure", "rectified_by", "remarks")


def _happened(tally: HazardTally) -> str:
    return "、".join(say(f"hazard_table.{name}") for name in FIGURES if getattr(tally, name))


def _printed(ordinal: int, row: CountedHazard, zone: tzinfo | None) -> list[Any]:
    values: dict[str, Any] = {
        **vars(row),
        "ordinal": ordinal,
        "level": say(f"hazard_level.{row.level}"),
        "kind": say(f"hazard_kind.{row.kind}"),
        "found_at": f"{row.found_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "rectified_by": row.enterprise,
        "state": say(f"hazard_state.{row.state}"),
        "closed_on": row.accepted_on,
    }
    return [_cell(values[field]) for field in PRINTED]


def _cell(value: Any) -> Any:
    return value if isinstance(value, (int, date)) else value or ""
