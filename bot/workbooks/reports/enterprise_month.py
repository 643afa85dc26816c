"""One enterprise's month as a workbook."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.texts import say
from bot.workbooks.reports.report_table import STATE_STYLES, ReportTable, TableRow, format_percent
from bot.workbooks.reports.report_workbook import report_workbook
from schedules.reports.enterprise_month import EnterpriseMonth, EnterpriseNight

_WIDTHS = {"night": 14, "state": 12, "parts": 12, "first": 12, "last": 12, "problems": 12, "remark": 28}


def enterprise_month_workbook(month: EnterpriseMonth, zone: ZoneInfo) -> bytes:
    """One sheet, a row for each night."""
    title = say(
        "enterprise_month.title", enterprise=month.enterprise.name, year=month.first.year, month=month.first.month
    )
    columns = [(say(f"enterprise_month.{name}"), width) for name, width in _WIDTHS.items()]
    rows = [_row(each, zone) for each in month.nights]
    intro = say("enterprise_month.summary", **month.tally.counts, rate=format_percent(month.tally.on_time_rate))
    issued_at = month.issued_at.astimezone(zone)
    sheet_title = say("enterprise_month.sheet")
    return report_workbook([ReportTable(sheet_title, title, [intro], columns, frozenset({7}), rows, issued_at)])


def _row(each: EnterpriseNight, zone: ZoneInfo) -> TableRow:
    first, last = (
        f"{instant.astimezone(zone):%H:%M}" if instant else "" for instant in (each.first_sent_at, each.last_sent_at)
    )
    remark = say("workbook.deadline_extended") if each.is_extended else ""
    state = say(STATE_STYLES[each.state][0])
    return TableRow((each.night, state, f"{each.done}/{each.due}", first, last, each.problems, remark), each.state)
