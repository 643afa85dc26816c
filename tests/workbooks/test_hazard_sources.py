"""The sheet 重大危险源: sources, their parts, and the three people who answer for each."""

from __future__ import annotations

from typing import Any

import pytest

from bot.workbooks.register.result import ImportResult
from storage.db.models import MajorHazardSource
from tests.workbooks.conftest import Office
from tests.workbooks.sample import HEADINGS, read_cells, sample_sheets
from tests.workbooks.test_register_export import assert_round_trip

TITLE = "重大危险源"
COLUMNS = [
    "企业编号",
    "危险源编号",
    "危险源名称",
    "危险源级别",
    "部位",
    "主要负责人",
    "技术负责人",
    "操作负责人",
    "状态",
]
FULL = ["E001", 1, "甲醇罐区", "三级", "1、2", "负责1", "负责1", "巡检1", None]
LEAVING = ["巡检1", "13800000000", "巡检员", "E001", "patrol1", None, "离职"]


def take(office: Office, *rows: list[Any], **sheets: list[list[Any]]) -> ImportResult:
    headings = HEADINGS | {TITLE: COLUMNS, "人员": [*HEADINGS["人员"], "状态"]}
    return office.take_sheets({TITLE: list(rows), **sheets}, headings)


def settle(office: Office) -> None:
    """Three enterprises of two parts each."""
    assert office.take_sheets(sample_sheets()).applied


def stored(office: Office) -> list[tuple[Any, ...]]:
    """The rows of the sheet as they are exported."""
    return read_cells(office.give())[TITLE][1:]


def test_sources_go_round(office: Office, neighbour: Office) -> None:
    settle(office)
    outcome = take(office, FULL, ["E001", "2", "液氯库", None, None, None, None, None, "停用"])
    assert [str(refusal) for refusal in outcome.refusals] == []
    assert outcome.sheets[TITLE].added == 2
    assert stored(office) == [
        ("E001", "1", "甲醇罐区", "三级", "1、2", "负责1", "负责1", "巡检1", "在用"),
        ("E001", "2", "液氯库", None, None, None, None, None, "停用"),
    ]
    assert_round_trip(office, neighbour)


def test_names_are_read_and_what_is_emptied_is_removed(office: Office) -> None:
    settle(office)
    assert take(
        office, ["样例E001", "1", "甲醇罐区", "三级", "罐区、2 装卸台", "负责1", "负责1", "巡检1", None]
    ).applied
    assert stored(office)[0][4] == "1、2"
    outcome = take(office, ["E001", "1", "甲醇罐区", "二级", "装卸台", None, "负责1", None, None])
    changes = {change.column: (change.old, change.new) for change in outcome.changes}
    assert changes == {
        "危险源级别": ("三级", "二级"),
        "部位": ("1、2", "2"),
        "主要负责人": ("负责1", ""),
        "操作负责人": ("巡检1", ""),
    }
    assert stored(office) == [("E001", "1", "甲醇罐区", "二级", "2", None, "负责1", None, "在用")]


def test_a_whole_register_brings_its_sources(office: Office) -> None:
    assert take(office, FULL, **sample_sheets()).applied
    [source] = office.all(MajorHazardSource)
    assert (source.number, source.head_id, source.head_id == source.technical_id) == ("1", 5, True)


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        (0, "E9", "没有这个编号或名称的企业；请先在企业表里登记"),
        (1, None, "不能为空"),
        (2, None, "不能为空"),
        (3, "五级", "应为 一级、二级、三级、四级 之一"),
        (4, "1、9", "样例化工E001有限公司没有这个部位；有：1 罐区、2 装卸台"),
        (5, "王五", "人员里找不到“王五”"),
        (6, "负责2", "负责2不是样例化工E001有限公司的在职人员"),
        (7, "小赵", "小赵不是样例化工E001有限公司的在职人员"),
        (7, "负责1、巡检1", "一行只写一个人"),
    ],
)
def test_what_is_refused_is_named_by_its_cell(office: Office, column: int, cell: Any, reason: str) -> None:
    settle(office)
    row = [cell if index == column else value for index, value in enumerate(FULL)]
    outcome = take(office, row)
    [refusal] = [str(each) for each in outcome.refusals]
    assert refusal.startswith(f"重大危险源表第 2 行“{COLUMNS[column]}”")
    assert refusal.endswith(reason)
    assert (outcome.applied, office.all(MajorHazardSource)) == (False, [])


def test_two_rows_of_one_source_are_refused(office: Office) -> None:
    settle(office)
    for name in ("E001", "样例E001"):
        [refusal] = take(office, FULL, [name, *FULL[1:]]).refusals
        assert (refusal.row, refusal.column) == (3, "危险源编号")


def test_people_of_one_name_are_told_apart_by_their_numbers(office: Office, neighbour: Office) -> None:
    settle(office)
    people = [["王伟", mobile, "安全员", "E001", None, None, None] for mobile in ("13811110001", "13811110002")]
    assert take(office, 人员=people).applied
    [refusal] = take(office, [*FULL[:6], "王伟", "巡检1", None]).refusals
    assert "有 2 个王伟，分不清是谁" in str(refusal)
    assert take(office, [*FULL[:6], "王伟（13811110002）", "巡检1", None]).applied
    assert stored(office)[0][6] == "王伟（13811110002）"
    assert_round_trip(office, neighbour)


def test_a_person_who_left_stays_until_another_is_named(office: Office) -> None:
    settle(office)
    take(office, FULL)
    take(office, 人员=[LEAVING])
    outcome = office.take(office.give())
    assert (outcome.applied, outcome.added, outcome.changed) == (True, 0, 0)
    assert "样例化工E001有限公司重大危险源“甲醇罐区”的巡检1已不在该企业任职，请更换包保责任人" in outcome.warnings
    [refusal] = take(office, ["E001", "2", *FULL[2:]]).refusals
    assert "巡检1不是样例化工E001有限公司的在职人员" in str(refusal)


def test_another_count_on_the_sheet_of_enterprises_is_told(office: Office) -> None:
    settle(office)
    outcome = take(office, FULL, ["E002", *FULL[1:5], "负责2", None, None, None])
    assert outcome.warnings == ["样例化工E001有限公司在企业表里登记了0处重大危险源，重大危险源表里在用的有1处，请核对"]
    outcome = take(office, ["E002", *FULL[1:5], "负责2", None, None, None])
    assert outcome.sheets[TITLE].not_mentioned == ["E001-1 甲醇罐区"]
