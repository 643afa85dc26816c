"""The register stores what the office writes in the workbook."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook, load_workbook

from bot.workbooks.register.result import ImportResult
from storage.db.models import (
    AuditEntry,
    Binding,
    ContentItem,
    DutyShift,
    Employment,
    Enterprise,
    GroupChat,
    KeyPart,
    Person,
    Rule,
)
from storage.store import Store
from tests.workbooks.conftest import NOW, Office
from tests.workbooks.sample import HEADINGS, make_register, sample_sheets, write_sheets

DAY = date(2026, 11, 23)


def clean(outcome: ImportResult) -> ImportResult:
    assert [str(refusal) for refusal in outcome.refusals] == []
    assert outcome.applied
    return outcome


def people_of(office: Office, day: date) -> dict[str, list[str]]:
    with office.database.read() as session:
        return {
            post: [person.name for person in found] for post, found in Store(session).duty.people_on_shift(day).items()
        }


def test_a_whole_register_is_taken_and_a_second_time_changes_nothing(office: Office) -> None:
    path = make_register(office.folder / "register.xlsx", enterprises=3, parts=2)
    first, second = clean(office.take(path)), clean(office.take(path))
    assert {title: sheet.added for title, sheet in first.sheets.items()} == {
        "企业": 3,
        "重点部位": 6,
        "人员": 9,
        "群": 1,
        "值班表": 2,
    }
    assert (second.added, second.changed) == (0, 0)
    assert people_of(office, DAY) == {"leader": ["刘局"], "staff": ["小赵"], "backup": ["陈科"]}
    assert len(office.all(AuditEntry)) == 1


def test_defaults_stand_where_the_office_wrote_nothing(office: Office) -> None:
    clean(office.take_sheets({"企业": [["E1", "甲厂"]], "重点部位": [["E1", 1, "罐区"]]}))
    (enterprise,), (part,) = office.all(Enterprise), office.all(KeyPart)
    assert (enterprise.short_name, enterprise.risk, enterprise.status) == ("甲厂", None, "生产")
    assert (enterprise.major_hazard_sources, enterprise.group_id) == (0, None)
    assert (part.filming_requirement, part.required_in_shutdown, part.in_use) == ("可用手机", False, True)


def test_numbers_and_full_width_characters_become_plain_codes(office: Office) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "企业": [[1001, "甲厂", None, "红色", 2.0], ["Ｅ００２", "乙厂", None, " 蓝 "]],
        "重点部位": [[1001.0, 1.0, "罐区"], ["1001", "２", "泵房"], ["E002", 1, "库房"]],
        "人员": [["王　伟", 13800000000, "巡检员，负责人", "1001、Ｅ００２", 7788]],
    }
    clean(office.take_sheets(sheets))
    assert [(each.code, each.risk) for each in office.all(Enterprise)] == [("1001", "红"), ("E002", "蓝")]
    assert sorted(part.number for part in office.all(KeyPart)) == ["1", "1", "2"]
    (person,), (binding,) = office.all(Person), office.all(Binding)
    assert (person.name, person.mobile, person.roles) == ("王伟", "13800000000", ["巡检员", "负责人"])
    assert (binding.realm, binding.account, binding.since) == ("wecom", "7788", None)
    assert len(office.all(Employment)) == 2


def test_messy_headings_titles_and_merged_cells_are_understood(office: Office) -> None:
    book = Workbook()
    sheet = book.active
    sheet.title = " 重点部位 "
    sheet["A1"] = "云溪县重点部位登记表"
    sheet.merge_cells("A1:D1")
    sheet.append([])
    sheet.append([" 部位 名称 ", "备注", "企业编号 ", "部位\n编号"])
    sheet.append(["罐区", "要看阀门", "E1", 1])
    sheet.append(["泵房", None, None, 2])
    sheet.append(["库房", None, None, 3])
    sheet.merge_cells("C4:C6")
    for row in range(7, 12):
        sheet.cell(row, 1).value = "   "
    plants = book.create_sheet("企业")
    plants.append(["企业名称", "企业编号"])
    plants.append(["甲厂", "E1"])
    book.create_sheet("草稿").append(["随便写写"])
    book.save(office.folder / "messy.xlsx")
    outcome = clean(office.take(office.folder / "messy.xlsx"))
    assert [(part.number, part.name) for part in office.all(KeyPart)] == [("1", "罐区"), ("2", "泵房"), ("3", "库房")]
    assert outcome.unknown_sheets == ["草稿"]
    assert outcome.unknown_columns == [("重点部位", "备注")]
    assert "重点部位表里未识别的列“备注”，没有导入" in outcome.text_lines()


def test_a_merged_date_gathers_the_rows_of_one_shift(office: Office) -> None:
    book = Workbook()
    roster = book.active
    roster.title = "值班表"
    for row in (HEADINGS["值班表"], [datetime.combine(date(2026, 11, 23), time()), "甲", "乙"], [None, None, "丙、丁"]):
        roster.append(row)
    roster.merge_cells("A2:A3")
    people = book.create_sheet("人员")
    for row in (["姓名", "角色"], ["甲", "值班领导"], ["乙", "工作人员"], ["丙", "工作人员"], ["丁", "工作人员"]):
        people.append(row)
    book.save(office.folder / "merged.xlsx")
    outcome = clean(office.take(office.folder / "merged.xlsx"))
    assert people_of(office, DAY) == {"leader": ["甲"], "staff": ["乙", "丙", "丁"], "backup": []}
    assert outcome.warnings == ["值班领导甲没有账号，夜里收不到提醒"]


def test_dates_are_read_however_they_are_written(office: Office) -> None:
    days = [
        DAY,
        datetime.combine(date(2026, 11, 24), time()),
        "2026-11-25",
        "2026/11/26",
        "2026年11月27日",
        "２０２６－１１－２８",
    ]
    office.take_sheets(sample_sheets())
    clean(office.take_sheets({"值班表": [[day, "刘局"] for day in days]}))
    assert sorted({shift.day.day for shift in office.all(DutyShift)}) == [23, 24, 25, 26, 27, 28]


def test_a_roster_alone_names_people_known_already_and_replaces_the_whole_shift(office: Office) -> None:
    office.take_sheets(sample_sheets())
    outcome = clean(office.take_sheets({"值班表": [[DAY, "陈科", "小赵\n刘局", None]]}))
    assert (outcome.sheets["值班表"].changed, outcome.added) == (1, 0)
    assert people_of(office, DAY) == {"leader": ["陈科"], "staff": ["小赵", "刘局"], "backup": []}
    assert people_of(office, date(2026, 11, 24))["leader"] == ["刘局"]


def test_a_column_that_is_not_there_leaves_its_values_alone(office: Office) -> None:
    sheets = sample_sheets(1)
    sheets["企业"][0][6] = "停产"
    office.take_sheets(sheets)
    outcome = office.take_sheets({"企业": [["E001", "新名"]]}, {"企业": ["企业编号", "企业名称"]})
    assert clean(outcome).sheets["企业"].changed == 1
    (enterprise,) = office.all(Enterprise)
    assert (enterprise.name, enterprise.status, enterprise.group_id) == ("新名", "停产", 1)


def test_what_a_sheet_does_not_mention_is_kept_and_told(office: Office) -> None:
    office.take_sheets(sample_sheets(2, 2))
    sheets = sample_sheets(1, 1)
    sheets["人员"] = sheets["人员"][:3]
    outcome = clean(office.take_sheets(sheets))
    assert outcome.sheets["企业"].not_mentioned == ["E002 样例化工E002有限公司"]
    assert outcome.sheets["重点部位"].not_mentioned == ["E001-2 装卸台", "E002-1 罐区", "E002-2 装卸台"]
    assert outcome.sheets["人员"].not_mentioned == ["巡检1", "负责1", "巡检2", "负责2"]
    assert len(office.all(Person)) == 7
    assert "企业表没有提到的 1 项保留不动：E002 样例化工E002有限公司" in outcome.text_lines()


def test_an_enterprise_without_parts_gets_one_and_the_office_is_warned(office: Office) -> None:
    outcome = clean(office.take_sheets({"企业": [["E1", "甲厂"], ["E2", "乙厂", None, None, None, None, "注销"]]}))
    assert [(part.number, part.name) for part in office.all(KeyPart)] == [("1", "全厂")]
    assert outcome.warnings == ["甲厂没有登记重点部位，已按一个部位“全厂”处理"]


def test_a_stopped_plant_of_which_nothing_is_expected_is_told(office: Office) -> None:
    headings = HEADINGS | {"重点部位": ["企业编号", "部位编号", "部位名称", "停产时", "状态"]}
    sheets: dict[str, list[list[Any]]] = {
        "企业": [[code, f"厂{code}", None, None, None, None, "停产"] for code in ("A", "B", "C")],
        "重点部位": [["A", 1, "罐区", "照拍", None], ["B", 1, "罐区", None, None], ["C", 1, "罐区", "照拍", "停用"]],
    }
    outcome = clean(office.take_sheets(sheets, headings))
    assert [part.required_in_shutdown for part in office.all(KeyPart)] == [True, False, True]
    assert outcome.warnings == [
        "厂B已停产，又没有“停产时照拍”的部位，夜里不会要求报送",
        "厂C的重点部位全部停用，夜里不会要求报送",
    ]


def test_a_webhook_address_gives_its_key(office: Office) -> None:
    url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=aa-bb_11"
    clean(office.take_sheets({"群": [["一组", url, "wrAbc"], ["二组", None, None]]}))
    assert [(group.robot_key, group.chat_id) for group in office.all(GroupChat)] == [
        ("aa-bb_11", "wrAbc"),
        (None, None),
    ]


def test_rules_are_kept_in_one_form_however_excel_hands_them_over(office: Office) -> None:
    rows: list[list[Any]] = [
        ["开始时间", time(0, 30), None],
        ["截止时间", "6：00", None],
        ["截止时间", 0.25 + 1 / 24, DAY],
        ["催报时间", "4:37、01:37,３:０７", None],
        ["升级间隔分钟", 15.0, None],
        ["集体缺报阈值", 0.35, None],
        ["最短时长秒", "８", "2026/12/1"],
    ]
    clean(office.take_sheets({"规则": rows}))
    assert [(rule.name, rule.value, rule.effective_from) for rule in office.all(Rule)] == [
        ("开始时间", "00:30", None),
        ("截止时间", "06:00", None),
        ("截止时间", "07:00", DAY),
        ("催报时间", "01:37、03:07、04:37", None),
        ("升级间隔分钟", "15", None),
        ("集体缺报阈值", "35%", None),
        ("最短时长秒", "8", date(2026, 12, 1)),
    ]


def test_a_film_beside_the_workbook_is_kept_under_its_digest(office: Office) -> None:
    (office.folder / "films").mkdir()
    (office.folder / "films" / "安全 课.MP4").write_bytes(b"film")
    sheets: dict[str, list[list[Any]]] = {
        "内容": [
            ["夜巡五看", "链接", "https://example.com/a", None, "安委办", "夜巡、五看", DAY],
            ["安全课", None, None, "films\\安全 课.MP4", None, None, None],
        ]
    }
    clean(office.take_sheets(sheets))
    link, film = office.all(ContentItem)
    assert (link.kind, link.tags, link.planned_for) == ("链接", ["夜巡", "五看"], DAY)
    assert (film.kind, film.file_name, film.bytes) == ("视频", "安全 课.MP4", 4)
    assert film.object_key == f"content/{film.sha256}.mp4"
    with office.objects.open(film.object_key) as kept:
        assert kept.read() == b"film"


def test_a_new_address_is_looked_at_afresh(office: Office) -> None:
    office.take_sheets({"内容": [["课", "链接", "https://example.com/a"]]})
    with office.database.transaction() as session:
        item = session.query(ContentItem).one()
        item.checked_on = item.dead_since = DAY
    office.take_sheets({"内容": [["课", "链接", "https://example.com/b"]]})
    (item,) = office.all(ContentItem)
    assert (item.url, item.checked_on, item.dead_since) == ("https://example.com/b", None, None)


def test_a_dry_run_shows_the_same_and_changes_nothing(office: Office) -> None:
    (office.folder / "film.mp4").write_bytes(b"film")
    sheets = sample_sheets() | {"内容": [["课", "视频", None, "film.mp4"]]}
    rehearsed = office.take_sheets(sheets, dry_run=True)
    assert (rehearsed.applied, office.all(Enterprise), office.all(AuditEntry)) == (False, [], [])
    assert not (office.folder / "objects" / "content").exists()
    done = clean(office.take_sheets(sheets))
    assert rehearsed.text_lines() == done.text_lines()


def test_a_calculated_formula_counts_and_an_uncalculated_one_is_refused(office: Office) -> None:
    path = write_sheets(office.folder / "f.xlsx", {"企业": [["E1", '="甲"&"厂"']]})
    refused = office.take(path)
    assert [str(refusal) for refusal in refused.refusals] == [
        "企业表第 2 行“企业名称”：写的是“=…”，是还没有计算的公式；请在 Excel 里打开并保存一次，或改成值"
    ]
    import zipfile

    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    counted = (
        members[sheet]
        .replace(b"<v></v>", b"<v>\xe7\x94\xb2\xe5\x8e\x82</v>")
        .replace(b"<v/>", b"<v>\xe7\x94\xb2\xe5\x8e\x82</v>")
        .replace(b"<v />", b"<v>\xe7\x94\xb2\xe5\x8e\x82</v>")
        .replace(b'<c r="B2">', b'<c r="B2" t="str">')
    )
    with zipfile.ZipFile(path, "w") as target:
        for name, content in (members | {sheet: counted}).items():
            target.writestr(name, content)
    assert load_workbook(path, data_only=True)["企业"]["B2"].value == "甲厂"
    clean(office.take(path))
    assert office.all(Enterprise)[0].name == "甲厂"


def test_now_is_when_the_import_is_on_record(office: Office) -> None:
    office.take_sheets(sample_sheets())
    (entry,) = office.all(AuditEntry)
    assert (entry.at, entry.action) == (NOW, "register_imported")
