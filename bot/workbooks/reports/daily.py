"""The tables of one patrol night: the enterprises, the hazards of the day, and the receipts."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from bot.texts import fill, say
from bot.workbooks.register.cells import RISK_LEVELS
from bot.workbooks.reports.hazards import hazards_of_day_table
from bot.workbooks.reports.report_table import STATE_STYLES, ReportTable, TableRow, format_date, format_datetime
from schedules.reports.daily import DailyReport, ReportedFilm, ReportRow
from schedules.review.tally import ReviewFinding, ReviewTally
from schedules.rules import RuleBook

COLUMNS = (
    ("序号", 6),
    ("企业", 34),
    ("风险等级", 10),
    ("应拍部位数", 9),
    ("已拍", 7),
    ("首条时间", 12),
    ("末条时间", 12),
    ("状态", 11),
    ("未拍部位", 30),
    ("备注", 26),
    ("审看", 9),
    ("审看人", 12),
    ("审看发现", 28),
)
LEFT_ALIGNED_COLUMNS = frozenset({2, 9, 10, 13})
FILM_COLUMNS = (
    ("序号", 6),
    ("回执", 12),
    ("企业", 34),
    ("部位", 20),
    ("发送时间", 12),
    ("状态", 10),
    ("时长（秒）", 10),
    ("大小（字节）", 14),
    ("SHA-256", 68),
)
LEFT_ALIGNED_FILM_COLUMNS = frozenset({3, 4, 9})


def daily_tables(report: DailyReport, rules: RuleBook) -> list[ReportTable]:
    """The enterprises, the hazards of the day, and every receipt.

    Raises ValueError when the counts do not agree with the rows: such a table must not be issued.
    """
    _check_counts(report)
    evening = format_date(report.night - timedelta(days=1), with_year=True)
    title = say("workbook.daily_title", evening=evening, morning=format_date(report.night))
    rows = [
        TableRow(_values(number, row, report.night, rules), row.state)
        for number, row in enumerate(sorted(report.rows, key=_severity), 1)
    ]
    if report.review.due:
        rows.append(TableRow(_office_values(len(rows) + 1, report.review), None))
    sheet_title, issued_at = say("workbook.daily_sheet"), report.issued_at.astimezone(rules.zone)
    intro_lines = _intro_lines(report, rules)
    night = ReportTable(sheet_title, title, intro_lines, COLUMNS, LEFT_ALIGNED_COLUMNS, rows, issued_at)
    return [night, *_hazards_table(report, rules), _films_table(report, rules)]


def _hazards_table(report: DailyReport, rules: RuleBook) -> list[ReportTable]:
    """The second sheet; none in a report that was issued without it."""
    issued_at = report.issued_at.astimezone(rules.zone)
    return [] if report.hazards is None else [hazards_of_day_table(report.hazards, issued_at)]


def _check_counts(report: DailyReport) -> None:
    by_state = Counter(row.state for row in report.rows)
    if unknown := by_state.keys() - STATE_STYLES.keys():
        raise ValueError(f"unknown states {sorted(unknown)}")
    counted = {state: by_state[state] for state in STATE_STYLES} | {"expected": len(report.rows)}
    stated = {name: report.counts.get(name, 0) for name in counted}
    if stated != counted:
        raise ValueError(f"counts {stated} are not those of the rows, {counted}")


def _intro_lines(report: DailyReport, rules: RuleBook) -> tuple[str, ...]:
    opens, closes = (instant.astimezone(rules.zone) for instant in (report.window.opens, report.window.closes))
    none = say("workbook.daily_none")
    leaders, staff = ("、".join(names) or none for names in (report.leaders, report.staff))
    backup = say("workbook.daily_backup", backups="、".join(report.backups)) if report.backups else ""
    key = "workbook.daily_window_extended" if report.window.extension else "workbook.daily_window"
    minutes = round(report.window.extension.total_seconds() / 60)
    counts = {name: report.counts.get(name, 0) for name in ("expected", *STATE_STYLES)}
    return (
        say(key, opens=format_datetime(opens), closes=format_datetime(closes), minutes=minutes),
        say("workbook.daily_duty", leaders=leaders, staff=staff) + backup,
        say("workbook.daily_counts", **counts) if report.rows else say("workbook.daily_no_enterprises"),
        *(fill(each) for each in report.emergencies),
        *([say("workbook.daily_audit_log_head", head=report.audit_log_head)] if report.audit_log_head else []),
        *([_films_line(report)] if report.films else []),
    )


def _films_line(report: DailyReport) -> str:
    return say("workbook.daily_films_digest", count=len(report.films), digest=report.films_digest)


def _films_table(report: DailyReport, rules: RuleBook) -> ReportTable:
    """Every receipt, from which the digest on the first can be recomputed."""
    rows = [TableRow(_film_values(number, film, report.night, rules)) for number, film in enumerate(report.films, 1)]
    title = say("workbook.films_title", night=format_date(report.night, with_year=True))
    intro_lines = (say("workbook.films_intro"), _films_line(report))
    sheet_title, issued_at = say("workbook.films_sheet"), report.issued_at.astimezone(rules.zone)
    return ReportTable(sheet_title, title, intro_lines, FILM_COLUMNS, LEFT_ALIGNED_FILM_COLUMNS, rows, issued_at)


def _film_values(number: int, film: ReportedFilm, night: date, rules: RuleBook) -> tuple[Any, ...]:
    return (
        number,
        film.receipt,
        film.enterprise or "",
        film.part or "",
        _time(film.sent_at.astimezone(rules.zone), night),
        say(f"film_state.{film.state}"),
        None if film.duration_s is None else round(float(film.duration_s), 1),
        film.bytes,
        film.sha256 or "",
    )


def _severity(row: ReportRow) -> tuple[int, int]:
    risk = RISK_LEVELS.index(row.risk) if row.risk in RISK_LEVELS else len(RISK_LEVELS)
    return list(STATE_STYLES).index(row.state), risk


def _values(number: int, row: ReportRow, night: date, rules: RuleBook) -> tuple[Any, ...]:
    first, last = (_time(at and at.astimezone(rules.zone), night) for at in (row.first_at, row.last_at))
    return (
        number,
        row.name,
        row.risk or "",
        row.due,
        row.done,
        first,
        last,
        say(STATE_STYLES[row.state][0]),
        "、".join(row.missing),
        "；".join(say(f"mark_label.{mark}") for mark in row.remarks),
        f"{row.review.done}/{row.review.due}" if row.review.due else "",
        "、".join(row.review.reviewers),
        "；".join(map(_finding_text, row.review.findings)),
    )


def _finding_text(finding: ReviewFinding) -> str:
    verdict, reason = say(f"verdict.{finding.word}"), finding.reason or ""
    return say("workbook.daily_finding", part=finding.part, verdict=verdict, reason=reason).rstrip("：")


def _office_values(number: int, review: ReviewTally) -> tuple[Any, ...]:
    """The last row: the review of the night by the supervising office."""
    count = len(review.pending)
    state = say("workbook.daily_unreviewed", count=count) if count else say("workbook.daily_reviewed")
    remark = say("workbook.daily_watched", minutes=round(review.watched_s / 60))
    return (
        number,
        say("workbook.daily_county"),
        "",
        "",
        "",
        "",
        "",
        state,
        "、".join(review.pending),
        remark,
        f"{review.done}/{review.due}",
        "、".join(review.reviewers),
        "",
    )


def _time(at: datetime | None, night: date) -> str:
    """The time of day, with the date where it is not that of the night."""
    if at is None:
        return ""
    return f"{at:%H:%M}" if at.date() == night else f"{at:%m-%d %H:%M}"
