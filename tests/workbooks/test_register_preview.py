"""What the office is told before it confirms an import: every changed cell, hidden parts, names instead of codes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import Workbook, load_workbook

from bot.cli import cli
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.schema import SHEETS
from storage.db.models import ContentItem, Employment, Enterprise, KeyPart
from tests.workbooks.conftest import Office
from tests.workbooks.sample import HEADINGS, make_register, sample_sheets, write_sheets

DAY = date(2026, 11, 23)


def changes(outcome: ImportResult) -> list[str]:
    return [str(each) for each in outcome.changes]


def refused(outcome: ImportResult) -> list[str]:
    assert not outcome.applied
    return [str(each) for each in outcome.refusals]


def test_every_changed_cell_is_named_with_both_values(office: Office) -> None:
    assert office.take_sheets(sample_sheets(2)).applied
    sheets = sample_sheets(3)
    sheets["企业"][1][2], sheets["企业"][1][6] = "改名", "停产"
    sheets["重点部位"][0][4] = "防爆设备"
    sheets["人员"][3][1], sheets["人员"][3][3] = None, "E001、E002"
    sheets["值班表"][1][3] = None
    sheets["群"][0][1:] = ["another-key", "chat-9"]
    sheets["规则"] = [["截止时间", "05:30", DAY]]
    outcome = office.take_sheets(sheets, dry_run=True)
    assert changes(outcome) == [
        "企业表第 3 行 E002 样例化工E002有限公司的“简称”：原为“样例E002”，改为“改名”",
        "企业表第 3 行 E002 样例化工E002有限公司的“状态”：原为“生产”，改为“停产”",
        "重点部位表第 2 行 E001 1 罐区的“拍摄要求”：原为“可用手机”，改为“防爆设备”",
        "人员表第 5 行 巡检1 E001、E002的“手机”：原为“13800000000”，改为“空”",
        "人员表第 5 行 巡检1 E001、E002的“企业编号”：原为“E001”，改为“E001、E002”",
        "群表第 2 行 样例群的“机器人key”：原为“•••”，改为“•••”",
        "群表第 2 行 样例群的“会话id”：原为“空”，改为“chat-9”",
        "值班表第 3 行 2026-11-24的“备班领导”：原为“陈科”，改为“空”",
    ]
    assert "规则表新增的 1 项：截止时间 2026-11-23" in outcome.text_lines()
    assert "企业表新增的 1 项：E003 样例化工E003有限公司" in outcome.text_lines()
    assert "another-key" not in "\n".join(outcome.text_lines())
    done = office.take_sheets(sheets)
    assert (done.applied, changes(done)) == (True, changes(outcome))
    assert changes(office.take_sheets(sheets)) == []


def test_errors_come_first_then_changes_then_counts(office: Office) -> None:
    assert office.take_sheets(sample_sheets(2)).applied
    sheets = sample_sheets(2)
    sheets["企业"][0][3], sheets["企业"][1][2] = "紫", "改名"
    lines = office.take_sheets(sheets).text_lines()
    assert lines[:3] == [
        "企业表第 2 行“风险等级”：写的是“紫”，应为 红、橙、黄、蓝 之一",
        "企业表第 3 行 E002 样例化工E002有限公司的“简称”：原为“样例E002”，改为“改名”",
        "企业表：读到 2 行，新增 0，修改 1，不变 0",
    ]


def test_the_command_says_the_same_as_the_preview(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'cli.db'}")
    monkeypatch.setenv("OBJECT_STORE_URL", f"file:{tmp_path / 'cli'}")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    first = CliRunner().invoke(cli, ["import", str(make_register(tmp_path / "a.xlsx"))])
    assert first.exit_code == 0, first.output
    assert office.take(tmp_path / "a.xlsx").applied
    sheets = sample_sheets()
    sheets["企业"][0][2] = "改名"
    path = write_sheets(tmp_path / "b.xlsx", sheets)
    result = CliRunner().invoke(cli, ["import", str(path), "--dry-run"])
    assert result.stdout.splitlines() == [*office.take(path, dry_run=True).text_lines(), "试读完成，未作修改"]
    assert "改为“改名”" in result.stdout


def test_a_film_of_the_same_name_but_other_content_is_a_change(office: Office) -> None:
    rows: dict[str, list[list[Any]]] = {"内容": [["课", "视频", None, "a.mp4"]]}
    (office.folder / "a.mp4").write_bytes(b"one")
    assert office.take_sheets(rows).applied
    (office.folder / "a.mp4").write_bytes(b"two")
    (change,) = office.take_sheets(rows).changes
    assert (change.column, change.old[:6], change.old != change.new) == ("文件", "a.mp4 ", True)
    assert len(office.all(ContentItem)) == 1


def hidden(office: Office, state: str) -> ImportResult:
    book = load_workbook(make_register(office.folder / "hidden.xlsx"))
    book["人员"].sheet_state = state
    book["值班表"].sheet_state = state
    book.save(office.folder / "hidden.xlsx")
    return office.take(office.folder / "hidden.xlsx")


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_named_and_not_applied(office: Office, state: str) -> None:
    outcome = hidden(office, state)
    assert outcome.applied
    assert set(outcome.sheets) == {"企业", "重点部位", "群"}
    for title in ("人员", "值班表"):
        assert f"隐藏的工作表“{title}”没有导入；需要导入的，请先取消隐藏" in outcome.text_lines()


def test_hidden_rows_and_columns_are_read_and_named(office: Office) -> None:
    book = load_workbook(make_register(office.folder / "rows.xlsx"))
    book["企业"].row_dimensions[3].hidden = True
    book["企业"].row_dimensions[90].hidden = True  # empty
    book["人员"].column_dimensions["B"].hidden = True
    book.save(office.folder / "rows.xlsx")
    outcome = office.take(office.folder / "rows.xlsx")
    assert len(office.all(Enterprise)) == 3
    assert outcome.warnings == [
        "企业表第 3 行是隐藏的，其内容也会导入，请核对",
        "人员表的 手机 列是隐藏的，其内容也会导入，请核对",
    ]


def renamed(office: Office, *names: str, hide: str = "") -> ImportResult:
    """Workbook of the sheets 企业 with these names, each with an enterprise of its own."""
    book = Workbook()
    del book[book.sheetnames[0]]
    for number, name in enumerate(names, 1):
        sheet = book.create_sheet(name)
        sheet.append(HEADINGS["企业"])
        sheet.append([f"E{number}", f"{name}厂"])
        sheet.sheet_state = "hidden" if name == hide else "visible"
    book.create_sheet("说明")
    book.save(office.folder / "renamed.xlsx")
    return office.take(office.folder / "renamed.xlsx")


@pytest.mark.parametrize("name", ["企业", "企业表", "企业信息表", "企业名单", " 企业台账 "])
def test_a_sheet_is_recognized_with_a_usual_ending(office: Office, name: str) -> None:
    outcome = renamed(office, name)
    assert [enterprise.code for enterprise in office.all(Enterprise)] == ["E1"]
    assert (f"工作表“{name.strip()}”按“企业”读取" in outcome.text_lines()) == (name != "企业")


def test_the_exact_name_wins_and_two_alike_are_refused(office: Office) -> None:
    assert renamed(office, "企业表", "企业").unknown_sheets == ["企业表", "说明"]
    assert [enterprise.code for enterprise in office.all(Enterprise)] == ["E2"]
    assert "有两张工作表都像是“企业”" in refused(renamed(office, "企业表", "企业名单"))[0]
    assert renamed(office, "企业表", "企业", hide="企业").applied


def test_usual_headings_are_read_unless_the_right_one_is_there(office: Office) -> None:
    assert office.take_sheets(sample_sheets(2)).applied
    headings = {
        "人员": ["姓名", "手机号码", "角色", "单位名称"],
        "重点部位": ["企业编号", "企业名称", "部位号", "部位名称"],
    }
    sheets: dict[str, list[list[Any]]] = {
        "人员": [["新来", "13812345678", "巡检员", "样例E001"]],
        "重点部位": [["E002", "样例E001", 9, "泵房"]],
    }
    outcome = office.take_sheets(sheets, headings)
    assert outcome.applied
    assert "人员表的“单位名称”列按“企业编号”读取" in outcome.text_lines()
    assert outcome.unknown_columns == [("重点部位", "企业名称")]
    by_id = {enterprise.id: enterprise.code for enterprise in office.all(Enterprise)}
    assert [by_id[each.enterprise_id] for each in office.all(KeyPart) if each.number == "9"] == ["E002"]
    twice = {"人员": ["姓名", "手机号", "手机号码", "角色"]}
    assert "“手机”列出现了两次" in refused(office.take_sheets({"人员": [["甲", "1", "2", "巡检员"]]}, twice))[0]


def test_no_heading_is_read_as_two_columns() -> None:
    for sheet in SHEETS:
        titles = [column.title for column in sheet.columns]
        synonyms = [synonym for column in sheet.columns for synonym in column.synonyms]
        assert len(set(titles + synonyms)) == len(titles + synonyms), sheet.title


PLANTS: list[list[Any]] = [
    ["E1", "青石精细化工有限公司", "青石"],
    ["E2", "白鹭涂料（云溪）有限公司", "白鹭"],
    ["E3", "白鹭气体有限公司", "白鹭"],
    ["E4", "松岭油品有限公司", "松岭", None, None, None, "注销"],
    ["E5", "松岭储运有限公司", "松岭"],
]


def test_a_unique_name_stands_for_a_code(office: Office) -> None:
    parts: list[list[Any]] = [["青石", 1, "罐区"], ["白鹭涂料(云溪)有限公司", 1, "库房"], ["松岭", 1, "罐区"]]
    people: list[list[Any]] = [["王伟", None, "负责人", "青石 、 白鹭气体有限公司、E1"]]
    outcome = office.take_sheets({"企业": PLANTS, "重点部位": parts, "人员": people})
    assert refused_or_none(outcome) == []
    codes = {enterprise.id: enterprise.code for enterprise in office.all(Enterprise)}
    assert {codes[part.enterprise_id] for part in office.all(KeyPart) if part.name != "全厂"} == {"E1", "E2", "E5"}
    assert [codes[each.enterprise_id] for each in office.all(Employment)] == ["E1", "E3"]
    assert changes(office.take_sheets({"企业": PLANTS, "重点部位": parts, "人员": people})) == []


def refused_or_none(outcome: ImportResult) -> list[str]:
    return [str(each) for each in outcome.refusals]


def test_an_ambiguous_or_unknown_name_is_refused_with_its_candidates(office: Office) -> None:
    parts: list[list[Any]] = [["白鹭", 1, "罐区"], ["青石精细化工公司", 1, "罐区"], ["石油", 1, "罐区"]]
    ambiguous, similar, unknown = refused(office.take_sheets({"企业": PLANTS, "重点部位": parts}))
    assert ambiguous.startswith("重点部位表第 2 行“企业编号”：写的是“白鹭”，有 2 家企业叫这个名称，请写编号：")
    assert ambiguous.endswith("：E2 白鹭涂料（云溪）有限公司、E3 白鹭气体有限公司")
    assert similar.endswith("“青石精细化工公司”，没有这个编号或名称的企业；相近的有：E1 青石精细化工有限公司")
    assert unknown.endswith("写的是“石油”，没有这个编号或名称的企业；请先在企业表里登记")


def test_the_same_part_by_code_and_by_name_is_refused(office: Office) -> None:
    parts: list[list[Any]] = [["E1", 1, "罐区"], ["青石", 1, "泵房"]]
    (sentence,) = refused(office.take_sheets({"企业": PLANTS, "重点部位": parts}))
    assert sentence == "重点部位表第 3 行“部位编号”：写的是“1”，青石精细化工有限公司的这个部位前面已有一行"


def test_a_refused_enterprise_is_not_refused_again_where_it_is_named(office: Office) -> None:
    plants: list[list[Any]] = [["E1", "青石精细化工有限公司", "青石", "紫"]]
    assert len(refused(office.take_sheets({"企业": plants, "重点部位": [["青石", 1, "罐区"]]}))) == 1


def test_a_leader_who_is_his_own_backup_is_remarked(office: Office) -> None:
    sheets = sample_sheets(1, nights=3)
    for row in sheets["值班表"][:2]:
        row[3] = "刘局"
    outcome = office.take_sheets(sheets)
    assert outcome.applied
    assert "刘局同时是值班领导和备班领导，无人应答时不能另找他人：2026-11-23、2026-11-24" in outcome.warnings
