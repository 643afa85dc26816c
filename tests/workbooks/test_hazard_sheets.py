"""Hazards by Excel: in the office's form, in any order, all or nothing; what is exported changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from bot.workbooks.hazards.apply import SheetImport
from bot.workbooks.hazards.columns import PRINTED
from bot.workbooks.hazards.export import export_hazards
from bot.workbooks.hazards.read import read_hazards
from bot.workbooks.register.result import ImportResult
from handlers.hazards.access import actor_named, command_actor
from handlers.hazards.moving import accept_hazard, submit_hazard
from handlers.inspections.inspecting import InspectionDraft, add_inspection
from storage.hazards import HazardFilter
from tests.handlers.hazard_parts import NOW, Ledger, a_ledger, day
from tests.places import Place

HEADINGS = ("发现人", "企业编号", "部位", "事项", "责任人", "措施", "时限", "等级", "来源", "类型", "发现时间")
ROW: dict[str, Any] = {
    "企业编号": "E001",
    "部位": "罐区",
    "事项": "法兰渗漏",
    "责任人": "甲负责人",
    "措施": "更换垫片",
    "时限": "2026-12-10",
    "等级": "一般",
    "来源": "专家指导",
    "类型": "工艺",
    "发现人": "专家甲",
    "发现时间": "2026-11-23 10:30",
}


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        yield made


def sheet(folder: Path, rows: list[dict[str, Any]], headings: tuple[str, ...] = HEADINGS, title: str = "隐患") -> Path:
    workbook, path = Workbook(), folder / "hazards.xlsx"
    written = workbook.active
    assert written is not None
    written.title = title
    written.append(headings)
    for row in rows:
        written.append([row.get(heading) for heading in headings])
    workbook.save(path)
    return path


def imported(ledger: Ledger, path: Path) -> ImportResult:
    """The result; refusals undo everything."""

    class Undo(Exception):
        pass

    parsed = read_hazards(path)
    try:
        with ledger.acting() as ctx:
            result = SheetImport(parsed, command_actor("night-patrol hazard import"), ctx).run()
            if result.refusals:
                raise Undo
    except Undo:
        pass
    return result


def exported(ledger: Ledger, folder: Path) -> Path:
    with ledger.reading() as ctx:
        content = export_hazards(ctx, HazardFilter())
    (folder / "exported.xlsx").write_bytes(content)
    return folder / "exported.xlsx"


def counts(ledger: Ledger) -> dict[str, int]:
    with ledger.reading() as ctx:
        return ctx.store.hazards.counts(HazardFilter(), ctx.today)


def test_a_sheet_is_read_whatever_the_order_of_its_columns(ledger: Ledger, tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "企业编号": "E002", "部位": "3", "措施": None, "发现时间": NOW.date()}]
    result = imported(ledger, sheet(tmp_path, rows, HEADINGS[::-1]))
    assert (result.refusals, result.added) == ([], 2)
    with ledger.reading() as ctx:
        second, first = ctx.store.hazards.find(HazardFilter(), ctx.today)
        assert (first.state, first.source, first.kind, first.found_by, first.responsible_id) == (
            "rectifying",
            "expert",
            "process",
            "专家甲",
            4,
        )
        assert (f"{first.found_at:%m-%d %H:%M}", first.registered_by_id) == ("11-23 02:30", None)
        assert (second.state, second.enterprise_id) == ("incomplete", 2)


def test_the_headings_of_the_printed_form_are_understood(ledger: Ledger, tmp_path: Path) -> None:
    row = {
        "单位": "甲化工",
        "检查地点": "1 罐区",
        "存在问题及隐患": "法兰渗漏",
        "整改时限": day(9),
        "整改资金（元）": 3500,
    }
    result = imported(ledger, sheet(tmp_path, [row], tuple(row), title="隐患台账"))
    assert (result.refusals, result.added) == ([], 1)
    assert ledger.field("YH-2026-0001", "cost_yuan") == 3500


def test_three_wrong_rows_are_named_and_nothing_is_imported(ledger: Ledger, tmp_path: Path) -> None:
    rows = [dict(ROW, 事项=f"渗漏{number}") for number in range(300)]
    rows[10]["时限"], rows[150]["企业编号"], rows[299]["类型"] = "2026-01-01", "E009", "魔法"
    result = imported(ledger, sheet(tmp_path, rows))
    lines = sorted(map(str, result.refusals))
    assert [("第 12 行“时限”" in lines[0], "已经过去" in lines[0]), "E009" in lines[1], "魔法" in lines[2]] == [
        (True, True),
        True,
        True,
    ]
    assert len(lines) == 3
    assert counts(ledger)["total"] == 0
    assert ledger.add() == "YH-2026-0001"


def test_a_sheet_that_is_read_twice_adds_nothing(ledger: Ledger, tmp_path: Path) -> None:
    path = sheet(tmp_path, [ROW, ROW])
    assert [imported(ledger, path).added, imported(ledger, path).added] == [1, 0]


def test_an_export_has_21_columns_and_importing_it_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    first = ledger.add(matter="=1+1 泄漏", measure="+加固")
    ledger.add(part_id=None, by="甲安全员")
    ledger.later(hours=1)
    ledger.does(submit_hazard, first, ledger.film(), by="甲负责人")
    ledger.does(accept_hazard, first, by="李局")
    path = exported(ledger, tmp_path)
    rows = list(load_workbook(path).active.iter_rows(values_only=True))
    assert rows[0] == tuple(PRINTED.values())
    assert len(rows[0]) == 21
    properties = load_workbook(path).properties  # of the content, not of when it was written
    assert (properties.created.year, properties.modified.year) == (2000, 2000)
    cells = dict(zip(PRINTED, rows[2], strict=True))
    assert (cells["matter"], cells["state"], cells["accepted_by"]) == ("=1+1 泄漏", "已验收", "李局")
    formats = {cell.value: cell.number_format for cell in load_workbook(path).active[3]}
    assert (formats["=1+1 泄漏"], formats[cells["deadline"]], formats["+加固"]) == ("@", "yyyy-mm-dd", "@")
    versions = [ledger.field(f"YH-2026-000{number}", "version") for number in (1, 2)]
    result = imported(ledger, path)
    assert (result.refusals, result.added, result.changed, result.sheet("隐患").unchanged) == ([], 0, 0, 2)
    assert [ledger.field(f"YH-2026-000{number}", "version") for number in (1, 2)] == versions


def test_an_empty_ledger_is_a_sheet_of_headings(ledger: Ledger, tmp_path: Path) -> None:
    path = exported(ledger, tmp_path)
    assert next(load_workbook(path).active.iter_rows(values_only=True)) == tuple(PRINTED.values())
    assert (imported(ledger, path).refusals, counts(ledger)["total"]) == ([], 0)


def test_an_export_that_was_edited_changes_what_may_be_changed(ledger: Ledger, tmp_path: Path) -> None:
    number = ledger.add(part_id=None, measure=None)
    row = {"隐患编号": number, "事项": "法兰渗漏", "检查地点": "泵房", "整改措施": "停用"}
    result = imported(ledger, sheet(tmp_path, [row], tuple(row)))
    assert (result.refusals, result.changed) == ([], 1)
    assert (ledger.state(number), ledger.field(number, "part_id")) == ("rectifying", 2)


@pytest.mark.parametrize(
    ("heading", "value"),
    [
        ("完成情况", "已验收"),
        ("验收人", "甲负责人"),
        ("销号日期", day(0)),
        ("企业名称", "乙化工有限公司"),
        ("时限", day(30)),
    ],
)
def test_no_sheet_accepts_a_hazard_or_moves_its_deadline(
    ledger: Ledger, tmp_path: Path, heading: str, value: Any
) -> None:
    number = ledger.add()
    row = {"隐患编号": number, "事项": "液氯管道法兰渗漏", heading: value}
    [refusal] = imported(ledger, sheet(tmp_path, [row], tuple(row))).refusals
    assert (refusal.column, refusal.row) == (heading, 2)
    assert ledger.state(number) == "rectifying"


def test_a_new_row_cannot_be_accepted_already_and_an_unknown_number_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    headings = (*HEADINGS, "完成情况", "隐患编号")
    rows = [{**ROW, "完成情况": "已验收"}, {**ROW, "隐患编号": "YH-2026-0077"}]
    first, second = imported(ledger, sheet(tmp_path, rows, headings)).refusals
    assert (first.column, second.column, second.reason) == ("完成情况", "隐患编号", "没有编号为 YH-2026-0077 的隐患")


def visit(ledger: Ledger, enterprise_id: int = 1, held_on: int = -3) -> str:
    """The number of an inspection by 王科."""
    with ledger.acting() as ctx:
        draft = InspectionDraft("expert", day(held_on), "王科")
        return add_inspection(enterprise_id, draft, actor_named("王科", ctx.store), ctx).number


def test_the_rows_of_a_sheet_hang_on_their_inspections(ledger: Ledger, tmp_path: Path) -> None:
    number, again = visit(ledger), visit(ledger, held_on=-2)
    row = {**ROW, "检查编号": number, "来源": None, "发现人": None, "发现时间": None}
    rows = [row, {**row, "检查编号": again}, {**row, "检查编号": None, "事项": "护栏锈蚀"}]
    assert imported(ledger, sheet(tmp_path, rows, (*HEADINGS, "检查编号"))).added == 3
    with ledger.reading() as ctx:
        loose, second, first = ctx.store.hazards.find(HazardFilter(), ctx.today)
        assert [each.inspection_number for each in (first, second, loose)] == [number, again, None]
        assert (first.source, first.found_by, first.found_by_id, first.found_on) == ("expert", "王科", 1, day(-3))
        assert (second.found_on, second.repeat_of, loose.source) == (day(-2), first.number, "inspection")
    known = {"隐患编号": loose.number, "事项": "护栏锈蚀", "检查编号": number}
    assert imported(ledger, sheet(tmp_path, [known], tuple(known))).changed == 1
    assert ledger.field(loose.number, "inspection_number") == number


def test_a_row_of_no_or_another_enterprises_inspection_is_named_and_nothing_is_imported(
    ledger: Ledger, tmp_path: Path
) -> None:
    foreign = visit(ledger, enterprise_id=2)
    rows = [ROW, {**ROW, "检查编号": foreign}, {**ROW, "检查编号": "JC-2026-0099"}]
    result = imported(ledger, sheet(tmp_path, rows, (*HEADINGS, "检查编号")))
    assert [(each.row, each.column, each.cell_text, each.reason) for each in result.refusals] == [
        (3, "检查编号", foreign, f"检查 {foreign} 查的不是这家企业"),
        (4, "检查编号", "JC-2026-0099", "没有编号为 JC-2026-0099 的检查"),
    ]
    assert counts(ledger)["total"] == 0


def test_a_file_that_is_no_workbook_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "hazards.xlsx").write_bytes(BytesIO(b"hello").getvalue())
    assert len(imported(ledger, tmp_path / "hazards.xlsx").refusals) == 1
    assert len(imported(ledger, sheet(tmp_path, [ROW], title="别的")).refusals) == 1
    assert len(imported(ledger, sheet(tmp_path, [ROW], HEADINGS[:3])).refusals) == 1
