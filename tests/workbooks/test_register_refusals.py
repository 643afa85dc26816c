"""Whatever is refused is named by its place, and then nothing is changed."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from bot.workbooks.register.grids import Limits, MergedCells
from storage.db.models import Base, Enterprise, Fact, Rule
from storage.objects import ObjectError
from tests.workbooks.conftest import Office
from tests.workbooks.sample import HEADINGS, make_register, sample_sheets

DAY = date(2026, 11, 23)
TOO_COMPLEX = "工作簿过于复杂，无法读取；请新建一个工作簿，只粘贴需要导入的内容，再重新导入"
HEADINGS_HERE = HEADINGS | {"重点部位": [*HEADINGS["重点部位"], "停产时", "状态"], "人员": [*HEADINGS["人员"], "状态"]}


def told(office: Office, sheets: dict[str, list[list[Any]]]) -> list[str]:
    outcome = office.take_sheets(sheets, HEADINGS_HERE)
    assert not outcome.applied
    return [str(refusal) for refusal in outcome.refusals]


CELLS: list[tuple[str, list[Any], str]] = [
    ("企业", [None, "甲厂"], "企业表第 2 行“企业编号”：不能为空"),
    ("企业", ["E1", None], "企业表第 2 行“企业名称”：不能为空"),
    ("企业", ["E/1", "甲"], "企业表第 2 行“企业编号”：写的是“E/1”，编号或账号里不能有空格、标点分隔符或斜杠"),
    ("企业", ["E1", "#N/A"], "企业表第 2 行“企业名称”：写的是“#N/A”，是公式错误，请改成正确的内容"),
    ("企业", ["E1", True], "企业表第 2 行“企业名称”：写的是“True”，应为文字或数字"),
    ("企业", ["E1", "甲" * 301], f"企业表第 2 行“企业名称”：写的是“{'甲' * 59}…”，太长，最多 300 个字"),
    ("企业", ["E1", "甲", None, "紫"], "企业表第 2 行“风险等级”：写的是“紫”，应为 红、橙、黄、蓝 之一"),
    ("企业", ["E1", "甲", None, None, -1], "企业表第 2 行“重大危险源数量”：写的是“-1”，应为不小于 0 的整数"),
    ("企业", ["E1", "甲", None, None, 1.5], "企业表第 2 行“重大危险源数量”：写的是“1.5”，应为不小于 0 的整数"),
    (
        "企业",
        ["E1", "甲", None, None, None, "无此群"],
        "企业表第 2 行“群”：写的是“无此群”，没有这个群；请先在群表里登记",
    ),
    ("企业", ["E1", "甲", *[None] * 4, "关了"], "企业表第 2 行“状态”：写的是“关了”，应为 生产、停产、注销 之一"),
    (
        "重点部位",
        ["E9", 1, "罐区"],
        "重点部位表第 2 行“企业编号”：写的是“E9”，没有这个编号或名称的企业；请先在企业表里登记",
    ),
    ("重点部位", ["E9", None, "罐区"], "重点部位表第 2 行“部位编号”：不能为空"),
    (
        "重点部位",
        ["E9", datetime.combine(date(2026, 1, 1), time()), "罐区"],
        "重点部位表第 2 行“部位编号”：写的是“2026-01-01 00:00:00”，"
        "Excel 把它当成了日期或时间；请把单元格设为“文本”后重新填写",
    ),
    (
        "重点部位",
        ["E9", 1, "罐区", None, "随便"],
        "重点部位表第 2 行“拍摄要求”：写的是“随便”，应为 可用手机、指定位置、防爆设备 之一",
    ),
    ("重点部位", ["E9", 1, "罐", None, None, "看看"], "重点部位表第 2 行“停产时”：写的是“看看”，应为 照拍、免拍 之一"),
    ("重点部位", ["E9", 1, "罐", None, None, None, "坏"], "重点部位表第 2 行“状态”：写的是“坏”，应为 在用、停用 之一"),
    ("人员", [None, None, "巡检员"], "人员表第 2 行“姓名”：不能为空"),
    ("人员", ["甲、乙", None, "巡检员"], "人员表第 2 行“姓名”：写的是“甲、乙”，一行只写一个人"),
    ("人员", ["甲", "电话无", "巡检员"], "人员表第 2 行“手机”：写的是“电话无”，不像电话号码，应为 5 到 20 位数字"),
    ("人员", ["甲", None, None], "人员表第 2 行“角色”：不能为空"),
    (
        "人员",
        ["甲", None, "巡检员、保安"],
        "人员表第 2 行“角色”：写的是“巡检员、保安”，"
        "应为 巡检员、负责人、安全员、值班领导、工作人员、审计员、管理员 之一",
    ),
    (
        "人员",
        ["甲", None, "巡检员", "E9、"],
        "人员表第 2 行“企业编号”：写的是“E9”，没有这个编号或名称的企业；请先在企业表里登记",
    ),
    ("人员", ["甲", None, "巡检员", "、"], "人员表第 2 行“企业编号”：写的是“、”，只有分隔符，没有内容"),
    (
        "人员",
        ["甲", None, "巡检员", None, "a b"],
        "人员表第 2 行“企业微信账号”：写的是“a b”，编号或账号里不能有空格、标点分隔符或斜杠",
    ),
    ("人员", ["甲", None, "巡检员", *[None] * 3, "病"], "人员表第 2 行“状态”：写的是“病”，应为 在职、离职 之一"),
    ("群", [None, "key"], "群表第 2 行“群名称”：不能为空"),
    (
        "群",
        ["一组", "https://qyapi.weixin.qq.com/x?k=1"],
        "群表第 2 行“机器人key”：写的是“https://qyapi.weixin.qq.com/x?k=1”，"
        "不像群机器人的 key；请填 key 或整个 Webhook 地址",
    ),
    ("值班表", [None, "甲"], "值班表第 2 行“日期”：不能为空"),
    ("值班表", ["下周一", "甲"], "值班表第 2 行“日期”：写的是“下周一”，不是有效的日期，应写成 2026-11-23 这样"),
    ("值班表", ["2026-02-30", "甲"], "值班表第 2 行“日期”：写的是“2026-02-30”，不是有效的日期，应写成 2026-11-23 这样"),
    ("值班表", [46349, "甲"], "值班表第 2 行“日期”：写的是“46349”，不是有效的日期，应写成 2026-11-23 这样"),
    ("值班表", ["2026-11-23", None], "值班表第 2 行“值班领导”：当天没有值班领导"),
    ("值班表", ["2026-11-23", "甲"], "值班表第 2 行“值班领导”：写的是“甲”，人员里找不到“甲”"),
    ("规则", ["截止时间", None], "规则表第 2 行“值”：不能为空"),
    (
        "规则",
        ["截止时间", "24:00"],
        "规则表第 2 行“值”：写的是“24:00”，不是有效的时间，应写成 01:37 这样，几个时间用、隔开",
    ),
    ("规则", ["升级间隔分钟", 0], "规则表第 2 行“值”：写的是“0”，应为不小于 1 的整数"),
    ("规则", ["集体缺报阈值", "120%"], "规则表第 2 行“值”：写的是“120%”，不是有效的百分比，应写成 40% 这样"),
    (
        "规则",
        ["截止时间", "05:00", "明天"],
        "规则表第 2 行“生效日期”：写的是“明天”，不是有效的日期，应写成 2026-11-23 这样",
    ),
    ("内容", [None, "链接"], "内容表第 2 行“标题”：不能为空"),
    ("内容", ["课", "图片"], "内容表第 2 行“类型”：写的是“图片”，应为 链接、视频 之一"),
    ("内容", ["课", "链接"], "内容表第 2 行“链接”：类型是链接，这里要填网址"),
    (
        "内容",
        ["课", "链接", "javascript:alert(1)"],
        "内容表第 2 行“链接”：写的是“javascript:alert(1)”，不是网址，应以 http:// 或 https:// 开头",
    ),
    (
        "内容",
        ["课", "链接", "https://example.com", "a.mp4"],
        "内容表第 2 行“文件”：写的是“a.mp4”，类型是链接，不能再填文件；视频请把类型改为视频",
    ),
    ("内容", ["课", "视频"], "内容表第 2 行“文件”：类型是视频，要填文件或链接"),
    ("内容", ["课", "视频", None, "无.mp4"], "内容表第 2 行“文件”：写的是“无.mp4”，找不到这个文件；请放在工作簿旁边"),
]


@pytest.mark.parametrize(("sheet", "row", "sentence"), CELLS)
def test_a_refused_cell_is_named(office: Office, sheet: str, row: list[Any], sentence: str) -> None:
    assert told(office, {sheet: [row]}) == [sentence]


@pytest.mark.parametrize(
    "written", ["../film.mp4", "/etc/hostname", "C:\\film.mp4", "a/../../film.mp4", "out/film.mp4"]
)
def test_a_file_outside_the_folder_is_refused(office: Office, tmp_path: Path, written: str) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    (office.folder / "out").symlink_to(tmp_path)
    assert "只写相对路径" in told(office, {"内容": [["课", "视频", None, written]]})[0]


def test_an_empty_film_or_a_folder_is_refused(office: Office) -> None:
    (office.folder / "empty.mp4").touch()
    (office.folder / "folder").mkdir()
    rows = [["甲", "视频", None, "empty.mp4"], ["乙", "视频", None, "folder"]]
    assert ["空的" in told(office, {"内容": rows})[0], "找不到" in told(office, {"内容": rows})[1]] == [True, True]


DOUBLES: list[tuple[str, list[Any], str]] = [
    ("企业", ["E1", "甲"], "企业表第 3 行“企业编号”：写的是“E1”，与第 2 行重复"),
    ("重点部位", ["E1", 1, "甲"], "重点部位表第 3 行“部位编号”：写的是“1”，与第 2 行重复"),
    ("群", ["一组"], "群表第 3 行“群名称”：写的是“一组”，与第 2 行重复"),
    ("规则", ["截止时间", "06:00"], "规则表第 3 行“生效日期”：与第 2 行重复"),
    ("内容", ["课", "链接", "https://example.com"], "内容表第 3 行“类型”：写的是“链接”，与第 2 行重复"),
]


@pytest.mark.parametrize(("sheet", "row", "sentence"), DOUBLES)
def test_the_same_thing_twice_is_refused(office: Office, sheet: str, row: list[Any], sentence: str) -> None:
    assert sentence in told(office, {sheet: [row, row]})


def test_an_unknown_rule_is_refused_with_the_known_ones(office: Office) -> None:
    (sentence,) = told(office, {"规则": [["睡觉时间", "00:00"]]})
    assert sentence.startswith("规则表第 2 行“规则”：写的是“睡觉时间”，没有这条规则；可用的规则是 开始时间、截止时间")


def test_late_time_may_not_end_before_the_window(office: Office) -> None:
    assert told(office, {"规则": [["截止时间", "13:00", DAY]]}) == [
        "规则表第 2 行“值”：写的是“13:00”，从 2026-11-23 起补报截止 12:00 早于截止时间 13:00"
    ]
    assert told(office, {"规则": [["补报截止", "05:00"]]}) == [
        "规则表第 2 行“值”：写的是“05:00”，从 开始 起补报截止 05:00 早于截止时间 06:00"
    ]
    both = [["截止时间", "13:00", DAY], ["补报截止", "14:00", DAY]]
    assert office.take_sheets({"规则": both}).applied


def test_a_contradiction_with_what_is_agreed_already_is_found(office: Office) -> None:
    assert office.take_sheets({"规则": [["补报截止", "07:00", date(2026, 12, 1)]]}).applied
    assert told(office, {"规则": [["截止时间", "08:00", DAY]]}) == [
        "规则表第 2 行“值”：写的是“08:00”，从 2026-12-01 起补报截止 07:00 早于截止时间 08:00"
    ]
    assert len(office.all(Rule)) == 1


def test_one_bad_cell_keeps_everything_out_and_every_bad_cell_is_told(office: Office) -> None:
    (office.folder / "film.mp4").write_bytes(b"film")
    sheets = sample_sheets(3) | {"内容": [["课", "视频", None, "film.mp4"]]}
    sheets["企业"][1][3] = "紫"
    sheets["人员"][4][1] = "无"
    assert told(office, sheets) == [
        "企业表第 3 行“风险等级”：写的是“紫”，应为 红、橙、黄、蓝 之一",
        "人员表第 6 行“手机”：写的是“无”，不像电话号码，应为 5 到 20 位数字",
    ]
    assert {table.class_ for table in Base.registry.mappers if office.all(table.class_)} <= {Fact}
    assert not (office.folder / "objects" / "content").exists()


def test_a_store_that_cannot_keep_the_films_changes_nothing(office: Office) -> None:
    (office.folder / "film.mp4").write_bytes(b"film")
    (office.folder / "objects" / "content").write_bytes(b"in the way")
    with pytest.raises(ObjectError):
        office.take_sheets(sample_sheets() | {"内容": [["课", "视频", None, "film.mp4"]]})
    assert office.all(Enterprise) == []


def test_a_sheet_without_its_headings_is_refused_with_what_lacks(office: Office) -> None:
    book = Workbook()
    book.active.title = "人员"
    book.active.append(["姓名", "手机", "企业编号"])
    book.save(office.folder / "lacking.xlsx")
    outcome = office.take(office.folder / "lacking.xlsx")
    assert outcome.text_lines()[0] == "人员表：前 5 行里找不到表头，缺少的列：角色"


def test_a_heading_twice_is_refused(office: Office) -> None:
    headings = HEADINGS | {"群": ["群名称", "机器人key", "群名称"]}
    outcome = office.take_sheets({"群": [["一组", "key", "二组"]]}, headings)
    assert [str(refusal) for refusal in outcome.refusals] == ["群表：“群名称”列出现了两次，请只留一列"]


def bytes_of(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


FILES: list[tuple[bytes, str]] = [
    (b"", "文件是空的"),
    (b"name,code\n1,2\n", "不是 Excel 工作簿（.xlsx），或者文件已损坏"),
    (b"PK\x03\x04" + b"\0" * 100, "不是 Excel 工作簿（.xlsx），或者文件已损坏"),
    (bytes_of(Workbook())[:2000], "不是 Excel 工作簿（.xlsx），或者文件已损坏"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "文件设了密码，或者是旧的 .xls 格式；请在 Excel 里去掉密码，另存为 .xlsx",
    ),
    (bytes_of(Workbook()), "没有可以导入的表；应有的表名是 企业、重点部位、人员、重大危险源、群、值班表、规则、内容"),
]


@pytest.mark.parametrize(("content", "sentence"), FILES)
def test_a_file_that_is_no_register_gets_one_sentence(office: Office, content: bytes, sentence: str) -> None:
    path = office.folder / "what.xlsx"
    path.write_bytes(content)
    assert office.take(path).text_lines()[0] == sentence


def test_a_file_that_is_not_there_gets_one_sentence(office: Office) -> None:
    assert office.take(office.folder / "none.xlsx").text_lines() == ["打不开文件 none.xlsx：文件不存在或没有读取权限"]
    assert office.take(office.folder).text_lines() == ["“office”是文件夹，请给出其中的工作簿文件"]


def test_declared_entities_are_not_expanded(office: Office) -> None:
    path = make_register(office.folder / "r.xlsx", 1)
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    sheet = members["xl/worksheets/sheet1.xml"]
    members["xl/worksheets/sheet1.xml"] = bomb + sheet.replace(b"E001", b"&b;")
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    assert office.take(path).text_lines() == ["不是 Excel 工作簿（.xlsx），或者文件已损坏"]


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        (Limits(rows=30), "“企业”超过 30 行，请拆成几个文件导入"),
        (Limits(row_bytes=500, chunk_bytes=16), "文件展开后过大，请只保留需要导入的表"),
        (Limits(unpacked_bytes=1000), "文件展开后过大，请只保留需要导入的表"),
        (Limits(file_bytes=1000), "文件超过 0 MB，请只保留需要导入的表"),
        (Limits(members=5), TOO_COMPLEX),
        (Limits(style_elements=1), TOO_COMPLEX),
        (Limits(merged_ranges=1), TOO_COMPLEX),
    ],
)
def test_a_workbook_over_a_limit_is_refused(office: Office, limits: Limits, line: str) -> None:
    path = make_register(office.folder / "r.xlsx", enterprises=40)
    book = load_workbook(path)
    for place in ("A50:B50", "A51:B51"):
        book["企业"].merge_cells(place)
    book.save(path)
    assert office.take(path, limits=limits).text_lines() == [line]


@pytest.mark.parametrize(
    ("member", "end", "repeated"),
    [
        ("xl/styles.xml", b"</cellXfs>", b"<xf/>" * 1_000_000),
        ("xl/sharedStrings.xml", b"</sst>", b"<si><t>a</t></si>" * 1_100_000),
        ("xl/styles.xml", b"</borders>", b"<border/>" * 800_000),
    ],
    ids=["styles", "strings", "borders"],
)
def test_a_small_workbook_that_costs_gigabytes_is_refused(
    office: Office, member: str, end: bytes, repeated: bytes
) -> None:
    path = make_register(office.folder / "r.xlsx", 1)
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    members[member] = members.get(member, b"<sst>" + end).replace(end, repeated + end)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    assert path.stat().st_size < 100_000
    assert office.take(path).text_lines() == [TOO_COMPLEX]


def test_ranges_over_each_other_cost_no_more_than_one() -> None:
    merged = MergedCells([(1, 1, 60, 1_000_000)] * 60)
    assert merged.visible_cell(1_000_000, 60) == (1, 1)
    assert merged.visible_cell(1_000_001, 60) == (1_000_001, 60)
