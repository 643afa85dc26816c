"""The daily table: its content, its counts, and the same bytes for the same report."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook, load_workbook

from bot.workbooks.reports.daily import daily_tables
from bot.workbooks.reports.report_workbook import report_workbook
from schedules.patrol_night import SubmissionWindow
from schedules.reports.daily import DailyReport, ReportedFilm, ReportRow
from schedules.review.tally import ReviewFinding, ReviewTally
from schedules.rules import RuleBook

RULES = RuleBook(ZoneInfo("Asia/Shanghai"))


def at(hour: int, minute: int, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=RULES.zone)


def enterprise(
    name: str, risk: str | None, due: int, done: int, sent: tuple[datetime, datetime] | None, state: str, **fields: Any
) -> ReportRow:
    first_at, last_at = sent or (None, None)
    return ReportRow("E", name, risk, state, due, done, first_at, last_at, fields.pop("missing", ()), **fields)


ROWS = (
    enterprise("按时厂", "红", 2, 2, (at(0, 5), at(0, 9)), "on_time"),
    enterprise("提前厂", "蓝", 2, 2, (at(23, 58, 23), at(0, 9)), "on_time"),
    enterprise("迟报厂", "黄", 1, 1, (at(6, 30), at(6, 30)), "late"),
    enterprise("=1+1", "黄", 2, 0, None, "missing", missing=("1 罐区", "2 泵房"), remarks=("photo_only",)),
    enterprise("未报红厂", "红", 1, 0, None, "missing", missing=("1 罐区",)),
    enterprise("停产厂", None, 0, 0, None, "exempt"),
    enterprise("待判厂", None, 1, 0, None, "unjudged"),
    enterprise("部分厂", None, 2, 1, (at(1, 0), at(1, 0)), "partial", missing=("2 泵房",)),
)
COUNTS = {"expected": 8, "on_time": 2, "late": 1, "partial": 1, "missing": 2, "exempt": 1, "unjudged": 1}
WINDOW = SubmissionWindow(at(0, 0), at(6, 0), at(12, 0), timedelta(0))
REPORT = DailyReport(date(2026, 11, 24), WINDOW, at(7, 37), COUNTS, ROWS, leaders=("刘局",), staff=("小赵", "小钱"))


def book(report: DailyReport) -> Workbook:
    return load_workbook(io.BytesIO(report_workbook(daily_tables(report, RULES))))


def cells(report: DailyReport) -> list[tuple[Any, ...]]:
    sheet = book(report).worksheets[0]
    return [row for row in sheet.iter_rows(values_only=True) if any(value is not None for value in row)]


def test_the_intro_has_the_night_the_window_the_duty_and_the_counts() -> None:
    assert [row[0] for row in cells(REPORT)[:4]] == [
        "夜巡日报　2026年11月23日夜（11月24日凌晨）",
        "报送时间：2026-11-24 00:00 至 2026-11-24 06:00",
        "值班领导：刘局　值班人员：小赵、小钱",
        "应报 8 家 = 按时 2 + 迟报 1 + 部分未报 1 + 未报 2 + 停产免报 1 + 待判 1",
    ]
    assert cells(REPORT)[-2][0] == "制表时间：2026-11-24 07:37"


def test_the_worst_rows_come_first() -> None:
    rows = cells(REPORT)[4:-2]
    assert rows[0] == (
        "序号",
        "企业",
        "风险等级",
        "应拍部位数",
        "已拍",
        "首条时间",
        "末条时间",
        "状态",
        "未拍部位",
        "备注",
        "审看",
        "审看人",
        "审看发现",
    )
    assert [row[1] for row in rows[1:]] == [
        "未报红厂",
        "=1+1",
        "部分厂",
        "待判厂",
        "迟报厂",
        "按时厂",
        "提前厂",
        "停产厂",
    ]
    assert rows[2] == (
        2,
        "=1+1",
        "黄",
        2,
        0,
        None,
        None,
        "未报",
        "1 罐区、2 泵房",
        "只发了照片，没有视频",
        None,
        None,
        None,
    )
    assert rows[7][5:7] == ("11-23 23:58", "00:09")


def test_the_review_of_the_office_is_the_last_row() -> None:
    review = ReviewTally(due=12, done=10, pending=("1124-0003", "1124-0007"), reviewers=("李局", "王科"), watched_s=550)
    last = cells(replace(REPORT, review=review))[-3]
    assert last == (
        9,
        "监管办公室（审看）",
        None,
        None,
        None,
        None,
        None,
        "未看 2 段",
        "1124-0003、1124-0007",
        "共看 9 分钟",
        "10/12",
        "李局、王科",
        None,
    )
    assert cells(replace(REPORT, review=replace(review, pending=())))[-3][7] == "已看完"


def test_review_findings_are_in_the_row_of_the_enterprise() -> None:
    findings = (ReviewFinding("1124-0001", "1 罐区", "problem", "滴漏"),)
    review = ReviewTally(due=2, done=2, reviewers=("李局",), findings=findings)
    first = replace(ROWS[0], review=review)
    rows = cells(replace(REPORT, rows=(first, *ROWS[1:])))
    assert next(row for row in rows if row[1] == first.name)[10:] == ("2/2", "李局", "1 罐区 有问题：滴漏")


def test_the_same_report_gives_the_same_bytes() -> None:
    assert report_workbook(daily_tables(REPORT, RULES)) == report_workbook(daily_tables(REPORT, RULES))


def test_the_sheet_prints_on_a4_landscape() -> None:
    sheet = book(REPORT).worksheets[0]
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight) == (
        "landscape",
        9,
        0,
    )
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$5:$5"
    assert sheet["B7"].data_type == "s"


def test_the_office_signs_below_the_first_table_only() -> None:
    first, receipts = book(REPORT).worksheets
    rows = [[value for value in row if value is not None] for row in first.iter_rows(values_only=True)]
    assert rows[-1] == ["填报单位：", "填表人：", "审核：", "签字："]
    assert "填报单位：" not in [row[0] for row in receipts.iter_rows(values_only=True)]


def test_an_amount_is_a_number_that_can_be_added_up() -> None:
    film = ReportedFilm("1124-0001", "film", "filed", at(0, 5), duration_s=12.25, bytes=1048576)
    row = next(row for row in book(replace(REPORT, films=(film,))).worksheets[1].iter_rows() if row[0].value == 1)
    assert [(cell.value, cell.data_type, cell.number_format) for cell in row[6:8]] == [
        (12.2, "n", "0.0"),
        (1048576, "n", "General"),
    ]


def test_a_night_in_which_nothing_is_expected_is_said_to_be_empty() -> None:
    empty = replace(REPORT, rows=(), counts=dict.fromkeys(COUNTS, 0))
    assert "该夜无应报企业。" in [row[0] for row in cells(empty)]


@pytest.mark.parametrize("counts", [{**COUNTS, "expected": 9}, {**COUNTS, "missing": 1, "late": 2}, {}])
def test_counts_that_differ_from_the_rows_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not those of the rows"):
        daily_tables(replace(REPORT, counts=counts), RULES)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown states"):
        daily_tables(replace(REPORT, rows=(replace(ROWS[0], state="fine"),)), RULES)


def test_backups_and_a_missing_staff_are_named() -> None:
    assert cells(replace(REPORT, backups=("陈科",), staff=()))[2][0] == "值班领导：刘局　值班人员：无　备班领导：陈科"
