"""The table of an amendment to a daily report: what was stated, and what it is corrected to."""

from __future__ import annotations

from bot.texts import fill, say
from bot.workbooks.reports.report_table import ReportTable, TableRow, format_date
from schedules.reports.changes import Change, change_text
from schedules.rules import RuleBook
from storage.db.models import IssuedReport

COLUMNS = (("序号", 6), ("企业", 34), ("项目", 12), ("原为", 40), ("更正为", 40))
LEFT_ALIGNED_COLUMNS = frozenset({2, 4, 5})


def amendment_tables(amendment: IssuedReport, rules: RuleBook) -> list[ReportTable]:
    """One row per value that differs from what was stated before."""
    rows = []
    for number, change in enumerate((Change(**each) for each in amendment.changes), 1):
        name, text = change.enterprise or say("amendment.county"), change_text(change, rules)
        rows.append(TableRow((number, name, fill(text["field"]), fill(text["old"]), fill(text["new"]))))
    title = say("workbook.amendment_title", night=format_date(amendment.night, with_year=True), number=amendment.number)
    head = say("workbook.daily_audit_log_head", head=amendment.audit_log_head or "—")
    intro, issued_at = (say("workbook.amendment_intro"), head), amendment.issued_at.astimezone(rules.zone)
    sheet_title = say("workbook.amendment_sheet")
    return [ReportTable(sheet_title, title, intro, COLUMNS, LEFT_ALIGNED_COLUMNS, rows, issued_at)]
