"""The daily table proves its sums and never differs from itself."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from bot.workbooks.reports.daily import DailyRow, DailyTable, SupervisorRow, write_daily_table

CHINA = timezone(timedelta(hours=8))


def at(hour: int, minute: int, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


ROWS = (
    DailyRow("按时厂", "红", 2, 2, at(0, 5), at(0, 9), "on_time"),
    DailyRow("提前厂", "蓝", 2, 2, at(23, 58, 23), at(0, 9), "on_time"),
    DailyRow("迟报厂", "黄", 1, 1, at(6, 30), at(6, 30), "late"),
    DailyRow("未报黄厂", "黄", 2, 0, None, None, "missing", ("1 罐区", "2 泵房"), "=1+1"),
    DailyRow("未报红厂", "红", 1, 0, None, None, "missing", ("1 罐区",)),
    DailyRow("停产厂", None, 0, 0, None, None, "exempt"),
    DailyRow("待判厂", None, 1, 0, None, None, "unjudged"),
    DailyRow("部分厂", None, 2, 1, at(1, 0), at(1, 0), "partial", ("2 泵房",)),
)
COUNTS = {"expected": 8, "on_time": 2, "late": 1, "partial": 1, "missing": 2, "exempt": 1, "unjudged": 1}
TABLE = DailyTable(date(2026, 11, 24), at(0, 0), at(6, 0), COUNTS, ("刘局",), ("小赵", "小钱"), ROWS, at(7, 37))


def cells(table: DailyTable) -> list[tuple[Any, ...]]:
    written = io.BytesIO()
    write_daily_table(written, table)
    sheet = load_workbook(io.BytesIO(written.getvalue())).worksheets[0]
    return [row for row in sheet.iter_rows(values_only=True) if any(value is not None for value in row)]


def test_the_head_names_night_window_duty_and_proves_the_sum() -> None:
    assert [row[0] for row in cells(TABLE)[:4]] == [
        "夜巡日报　2026年11月23日夜（11月24日凌晨）",
        "报送时间：2026-11-24 00:00 至 2026-11-24 06:00",
        "值班领导：刘局　值班人员：小赵、小钱",
        "应报 8 家 = 按时 2 + 迟报 1 + 部分未报 1 + 未报 2 + 停产免报 1 + 待判 1",
    ]
    assert cells(TABLE)[-1][0] == "制表时间：2026-11-24 07:37"


def test_the_worst_rows_come_first() -> None:
    rows = cells(TABLE)[4:-1]
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
        "未报黄厂",
        "部分厂",
        "待判厂",
        "迟报厂",
        "按时厂",
        "提前厂",
        "停产厂",
    ]
    assert rows[2] == (2, "未报黄厂", "黄", 2, 0, None, None, "未报", "1 罐区、2 泵房", "=1+1", None, None, None)
    assert rows[7][5:7] == ("11-23 23:58", "00:09")


def test_the_countys_own_gap_stands_in_the_same_table() -> None:
    county = SupervisorRow(
        films_due=12,
        films_reviewed=10,
        reviewers=("李局", "王科"),
        unreviewed_receipts=("1124-0003", "1124-0007"),
        watched_minutes=9,
    )
    last = cells(replace(TABLE, supervisor_row=county))[-2]
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
    assert cells(replace(TABLE, supervisor_row=replace(county, unreviewed_receipts=())))[-2][7] == "已看完"


def test_what_was_found_stands_with_its_enterprise() -> None:
    first = replace(TABLE.rows[0], review_progress="2/2", reviewers=("李局",), review_findings=("1 罐区 有问题：滴漏",))
    rows = cells(replace(TABLE, rows=(first, *TABLE.rows[1:])))
    assert next(row for row in rows if row[1] == first.enterprise)[10:] == ("2/2", "李局", "1 罐区 有问题：滴漏")


def test_the_same_night_is_the_same_bytes(tmp_path: Path) -> None:
    written = io.BytesIO()
    write_daily_table(tmp_path / "night.xlsx", TABLE)
    write_daily_table(written, TABLE)
    assert (tmp_path / "night.xlsx").read_bytes() == written.getvalue()


def test_it_prints_on_one_landscape_page_width() -> None:
    written = io.BytesIO()
    write_daily_table(written, TABLE)
    sheet = load_workbook(io.BytesIO(written.getvalue())).worksheets[0]
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.page_setup.fitToHeight) == (
        "landscape",
        9,
        0,
    )
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$5:$5"
    assert sheet["J7"].data_type == "s"


@pytest.mark.parametrize("counts", [{**COUNTS, "expected": 9}, {**COUNTS, "missing": 1, "late": 2}, {}])
def test_a_table_whose_sum_is_not_proven_does_not_go_out(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not those of the rows"):
        write_daily_table(io.BytesIO(), replace(TABLE, counts=counts))


def test_an_unknown_state_does_not_go_out() -> None:
    with pytest.raises(ValueError, match="unknown states"):
        write_daily_table(io.BytesIO(), replace(TABLE, rows=(replace(ROWS[0], state="fine"),)))


def test_whoever_stands_behind_the_leader_is_named_and_nobody_is_said() -> None:
    assert cells(replace(TABLE, backups=("陈科",), staff=()))[2][0] == "值班领导：刘局　值班人员：无　备班领导：陈科"
