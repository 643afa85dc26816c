"""The sheets of inspections, documents and cases in the yearly report, and the sentence of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.texts import say
from bot.workbooks.reports.report_table import ReportTable, TableRow
from schedules.reports.enforcement import CountedCase, EnforcementPeriod

_INSPECTIONS = (
    ("检查编号", 16),
    ("检查日期", 12),
    ("类别", 10),
    ("企业编号", 10),
    ("企业", 30),
    ("检查计划", 24),
    ("检查人员", 24),
    ("隐患（项）", 10),
    ("文书（份）", 10),
    ("立案（起）", 10),
)
_DOCUMENTS = (
    ("文书编号", 30),
    ("文书种类", 22),
    ("文书日期", 12),
    ("企业编号", 10),
    ("企业", 30),
    ("检查编号", 16),
    ("文件", 8),
)
_CASES = (
    ("案件编号", 30),
    ("立案日期", 12),
    ("企业编号", 10),
    ("企业", 30),
    ("案由", 40),
    ("检查编号", 16),
    ("立案（起）", 10),
    ("罚款（元）", 12),
    ("处罚决定日期", 13),
    ("结案日期", 12),
)
# The sheet with the rows of each figure.
_SHEET_OF = {
    "inspections": "inspections",
    "inspected_enterprises": "inspections",
    "annual_enterprises": "inspections",
    "documents": "documents",
    "cases": "cases",
    "case_enterprises": "cases",
    "fines_yuan": "cases",
}


def enforcement_sheets() -> dict[str, str]:
    """Figure -> the title of the sheet with its rows."""
    return {name: say(f"yearly_sheet.{sheet}") for name, sheet in _SHEET_OF.items()}


def enforcement_sentence(period: EnforcementPeriod) -> str:
    figures = period.figures
    return say("yearly.enforcement", **figures, fines=f"{figures['fines_yuan'] / 10_000:g}")


def enforcement_tables(period: EnforcementPeriod, title: str, issued_at: datetime) -> list[ReportTable]:
    """A sheet for each noun, with its totals."""
    sheets: dict[str, tuple[Sequence[tuple[str, float]], set[int], list[TableRow]]] = {
        "inspections": (_INSPECTIONS, {5, 6, 7}, _inspections(period)),
        "documents": (_DOCUMENTS, {1, 2, 5}, _documents(period)),
        "cases": (_CASES, {1, 4, 5}, _cases(period)),
    }
    intro = [enforcement_sentence(period)]
    return [
        ReportTable(say(f"yearly_sheet.{name}"), title, intro, columns, frozenset(words), rows, issued_at)
        for name, (columns, words, rows) in sheets.items()
    ]


def _inspections(period: EnforcementPeriod) -> list[TableRow]:
    rows = period.inspections
    lines = [
        TableRow(
            (
                each.number,
                each.held_on,
                say(f"inspection_kind.{each.kind}"),
                each.code,
                each.enterprise,
                each.plan,
                each.inspectors,
                each.hazards,
                each.documents,
                each.cases,
            )
        )
        for each in rows
    ]
    totals = (
        sum(each.hazards for each in rows),
        sum(each.documents for each in rows),
        sum(each.cases for each in rows),
    )
    return [*lines, _total(len(rows), *[""] * 5, *totals)]


def _documents(period: EnforcementPeriod) -> list[TableRow]:
    lines = [
        TableRow(
            (
                each.number,
                say(f"document_kind.{each.kind}"),
                each.issued_on,
                each.code,
                each.enterprise,
                each.inspection,
                say("yearly.has_file") if each.has_file else "",
            )
        )
        for each in period.documents
    ]
    return [*lines, _total(len(lines), *[""] * 5)]


def _cases(period: EnforcementPeriod) -> list[TableRow]:
    lines = [TableRow(_case(each)) for each in period.cases]
    figures = period.figures
    return [*lines, _total("", *[""] * 4, figures["cases"], figures["fines_yuan"], "", "")]


def _case(each: CountedCase) -> tuple[Any, ...]:
    return (
        each.number,
        each.filed_on,
        each.code,
        each.enterprise,
        each.cause,
        each.inspection,
        int(each.filed) or "",
        each.fine_yuan or "",
        each.fined_on or "",
        each.closed_on or "",
    )


def _total(*values: Any) -> TableRow:
    return TableRow((say("workbook.total"), *values))
