"""The daily table of one patrol night, ready to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from bot.texts import say
from bot.workbooks.night_table import DailyRow, DailyTable, Target, daily_table

__all__ = ["DailyRow", "DailyTable", "daily_table", "write_daily"]

# What is worth knowing of a film besides its state; another mark is shown as it is.
MARKS = {
    "early": "workbook.mark_early",
    "late": "workbook.mark_late",
    "supplied_afterwards": "workbook.mark_supplied_afterwards",
    "seen_in_earlier_night": "workbook.mark_seen_in_earlier_night",
    "seen_at_other_enterprise": "workbook.mark_seen_at_other_enterprise",
}


class Span(Protocol):
    """From when to when films may be sent, as aware instants in the county's zone."""

    @property
    def opens(self) -> datetime: ...
    @property
    def closes(self) -> datetime: ...


class ReportRow(Protocol):
    """One enterprise as the timetable reports it."""

    @property
    def name(self) -> str: ...
    @property
    def risk(self) -> str | None: ...
    @property
    def state(self) -> str: ...
    @property
    def due(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def first_at(self) -> datetime | None: ...
    @property
    def last_at(self) -> datetime | None: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def remarks(self) -> tuple[str, ...]: ...


class Report(Protocol):
    """A night as the timetable reports it."""

    @property
    def night(self) -> date: ...
    @property
    def window(self) -> Span: ...
    @property
    def issued_at(self) -> datetime: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def rows(self) -> Sequence[ReportRow]: ...
    @property
    def leaders(self) -> tuple[str, ...]: ...
    @property
    def backups(self) -> tuple[str, ...]: ...
    @property
    def staff(self) -> tuple[str, ...]: ...


def write_daily(target: Target, report: Report) -> None:
    """Write a night's report as the daily table, its instants in the zone of its window. Raises as daily_table."""

    def local(at: datetime | None) -> datetime | None:
        return at.astimezone(report.window.opens.tzinfo) if at is not None else None

    rows = tuple(
        DailyRow(
            row.name, row.risk, row.due, row.done, local(row.first_at), local(row.last_at), row.state, row.missing,
            "；".join(say(MARKS[mark]) if mark in MARKS else mark for mark in row.remarks),
        )
        for row in report.rows
    )  # fmt: skip
    issued_at = report.issued_at.astimezone(report.window.opens.tzinfo)
    daily_table(
        target,
        DailyTable(
            report.night, report.window.opens, report.window.closes, report.counts,
            report.leaders, report.staff, rows, issued_at, report.backups,
        ),
    )  # fmt: skip
