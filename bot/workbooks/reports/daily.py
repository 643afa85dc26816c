"""The daily table of one patrol night, ready to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bot.texts import say
from bot.workbooks.register.cells import RISK_LEVELS
from bot.workbooks.reports.report_table import (
    STATE_STYLES,
    OutputTarget,
    ReportTable,
    TableRow,
    format_date,
    format_datetime,
    write_workbook,
)

COLUMNS = (
    ("序号", 6),
    ("企业", 34),
    ("风险等级", 9),
    ("应拍部位数", 9),
    ("已拍", 7),
    ("首条时间", 12),
    ("末条时间", 12),
    ("状态", 8),
    ("未拍部位", 30),
    ("备注", 20),
    ("审看", 9),
    ("审看人", 12),
    ("审看发现", 28),
)
LEFT_ALIGNED_COLUMNS = frozenset({2, 9, 10, 13})


@dataclass(frozen=True)
class DailyRow:
    """One enterprise. `state` is one of STATES; instants carry the zone in which they are to be shown."""

    enterprise: str
    risk: str | None
    parts_due: int
    parts_filmed: int
    first_at: datetime | None
    last_at: datetime | None
    state: str
    missing_parts: tuple[str, ...] = ()
    remark: str = ""
    review_progress: str = ""
    reviewers: tuple[str, ...] = ()
    review_findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SupervisorRow:
    """The supervisor's own row: what was to be watched, what has been, and the receipts of what has not."""

    films_due: int
    films_reviewed: int
    reviewers: tuple[str, ...]
    unreviewed_receipts: tuple[str, ...]
    watched_minutes: int


@dataclass(frozen=True)
class DailyTable:
    """One night. `counts` has `expected` and every one of STATES, as `night --json` does."""

    night: date
    opens: datetime
    closes: datetime
    counts: Mapping[str, int]
    leaders: tuple[str, ...]
    staff: tuple[str, ...]
    rows: tuple[DailyRow, ...]
    issued_at: datetime
    backups: tuple[str, ...] = ()
    window_extension: timedelta = timedelta(0)
    supervisor_row: SupervisorRow | None = None
    audit_log_head: str | None = None


def write_daily_table(target: OutputTarget, table: DailyTable) -> None:
    """Write the table to a path or an open binary file; the same table is always the same bytes.

    Raises ValueError when the counts are not proven by the rows: such a table must not go out.
    """
    _prove(table)
    evening = format_date(table.night - timedelta(days=1), with_year=True)
    title = say("workbook.daily_title", evening=evening, morning=format_date(table.night))
    rows = [
        TableRow(_values(number, row, table.night), row.state)
        for number, row in enumerate(sorted(table.rows, key=_badness), 1)
    ]
    if table.supervisor_row is not None:
        rows.append(TableRow(_county(len(rows) + 1, table.supervisor_row), None))
    name, words = say("workbook.daily_sheet"), LEFT_ALIGNED_COLUMNS
    write_workbook(target, [ReportTable(name, title, _sentences(table), COLUMNS, words, rows, table.issued_at)])


def _prove(table: DailyTable) -> None:
    by_state = Counter(row.state for row in table.rows)
    if unknown := by_state.keys() - STATE_STYLES.keys():
        raise ValueError(f"unknown states {sorted(unknown)}")
    counted = {state: by_state[state] for state in STATE_STYLES} | {"expected": len(table.rows)}
    stated = {name: table.counts.get(name, 0) for name in counted}
    if stated != counted:
        raise ValueError(f"counts {stated} are not those of the rows, {counted}")


def _sentences(table: DailyTable) -> tuple[str, ...]:
    nobody = say("workbook.daily_none")
    leaders, staff = ("、".join(names) or nobody for names in (table.leaders, table.staff))
    backup = say("workbook.daily_backup", backups="、".join(table.backups)) if table.backups else ""
    key = "workbook.daily_window_extended" if table.window_extension else "workbook.daily_window"
    minutes = round(table.window_extension.total_seconds() / 60)
    counts = {name: table.counts.get(name, 0) for name in ("expected", *STATE_STYLES)}
    return (
        say(key, opens=format_datetime(table.opens), closes=format_datetime(table.closes), minutes=minutes),
        say("workbook.daily_duty", leaders=leaders, staff=staff) + backup,
        say("workbook.daily_counts", **counts),
        *([say("workbook.daily_audit_log_head", head=table.audit_log_head)] if table.audit_log_head else []),
    )


def _badness(row: DailyRow) -> tuple[int, int]:
    return list(STATE_STYLES).index(row.state), RISK_LEVELS.index(row.risk) if row.risk in RISK_LEVELS else len(
        RISK_LEVELS
    )


def _values(number: int, row: DailyRow, night: date) -> tuple[Any, ...]:
    return (
        number,
        row.enterprise,
        row.risk or "",
        row.parts_due,
        row.parts_filmed,
        _time(row.first_at, night),
        _time(row.last_at, night),
        say(STATE_STYLES[row.state][0]),
        "、".join(row.missing_parts),
        row.remark,
        row.review_progress,
        "、".join(row.reviewers),
        "；".join(row.review_findings),
    )


def _county(number: int, row: SupervisorRow) -> tuple[Any, ...]:
    """The county's gap stands under those of the enterprises."""
    count = len(row.unreviewed_receipts)
    state = say("workbook.daily_unreviewed", count=count) if count else say("workbook.daily_reviewed")
    remark = say("workbook.daily_watched", minutes=row.watched_minutes)
    return (
        number,
        say("workbook.daily_county"),
        "",
        "",
        "",
        "",
        "",
        state,
        "、".join(row.unreviewed_receipts),
        remark,
        f"{row.films_reviewed}/{row.films_due}",
        "、".join(row.reviewers),
        "",
    )


def _time(at: datetime | None, night: date) -> str:
    """The time of day; with the day where it is not the morning of the night."""
    if at is None:
        return ""
    return f"{at:%H:%M}" if at.date() == night else f"{at:%m-%d %H:%M}"
