"""The register in the browser: one row at a time, a whole workbook after a preview, and the audit log."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from schedules.rules import RULE_FIELDS
from tests.harness import NIGHT
from tests.web.parts import CAST, Browser, Dashboard

ENTERPRISE = {
    "code": "E009",
    "name": "新来化工有限公司",
    "short_name": "新来化工",
    "risk": "橙",
    "major_hazard_sources": "1",
    "group": "",
    "status": "生产",
}


def marks(browser: Browser, sheet: str, words: str = "") -> list[str]:
    return re.findall(r"/row\?row=(\w+)", browser.get(f"/register/{sheet}?q={words}").text)


def test_a_changed_row_has_an_audit_log(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    assert staff.act("/register/企业/row", ENTERPRISE).status_code == 302
    [mark] = marks(staff, "企业", "E009")
    assert staff.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "status": "停产"}).status_code == 302
    [mark] = marks(staff, "企业", "E009")
    page = staff.get(f"/register/企业/row?row={mark}").text
    assert "状态：生产 → 停产" in page
    assert "企业/E009" in staff.get("/trail?q=E009").text


def test_an_invalid_cell_is_refused_with_its_reason(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    answer = staff.act("/register/企业/row", {**ENTERPRISE, "risk": "紫"})
    assert (answer.status_code, "风险等级：应为 红、橙、黄、蓝 之一" in answer.text) == (422, True)
    assert "新来化工有限公司" in answer.text  # what was typed is not lost
    assert marks(staff, "企业", "E009") == []


def test_a_row_changed_by_another_user_is_not_overwritten(dashboard: Dashboard) -> None:
    first, second = dashboard.signed_in("staff"), dashboard.signed_in("admin")
    first.act("/register/企业/row", ENTERPRISE)
    [mark] = marks(first, "企业", "E009")
    assert second.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "risk": "红"}).status_code == 302
    answer = first.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "risk": "蓝"})
    assert (answer.status_code, "刚被别人改过" in answer.text) == (409, True)


PERSON = {"name": "王科", "roles": "工作人员、管理员", "wecom": "staff"}


def test_only_an_administrator_gives_out_the_roles_of_leader_and_administrator(dashboard: Dashboard) -> None:
    staff, admin = dashboard.signed_in("staff"), dashboard.signed_in("admin")
    for person in (PERSON, {"name": "某人", "roles": "值班领导"}):
        answer = staff.act("/register/人员/row", person)
        assert (answer.status_code, "只能由管理员登记" in answer.text) == (422, True)
    with dashboard.story.office() as store:
        assert store.register.people_named("某人") == []
    assert admin.act("/register/人员/row", PERSON).status_code == 302
    with dashboard.story.office() as store:
        assert store.register.people_named("王科")[0].roles == ["工作人员", "管理员"]


def test_only_an_administrator_changes_the_account_of_a_leader(dashboard: Dashboard) -> None:
    staff, leader = dashboard.signed_in("staff"), {"name": "李局", "roles": "值班领导"}
    answer = staff.act("/register/人员/row", {**leader, "wecom": "newcomer"})
    assert (answer.status_code, "只能由管理员登记" in answer.text) == (422, True)
    assert staff.act("/register/人员/row", {**leader, "wecom": "leader", "mobile": "13900000000"}).status_code == 302


def test_a_workbook_of_the_staff_appoints_no_administrator(dashboard: Dashboard) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "人员"
    sheet.append(["姓名", "角色", "企业微信账号"])
    sheet.append(["王科", "管理员", "staff"])
    file = BytesIO()
    book.save(file)
    for role, refused in (("staff", True), ("admin", False)):
        file.seek(0)
        page = dashboard.signed_in(role).act("/import", {"file": (BytesIO(file.getvalue()), "a.xlsx")}, page="/import")
        assert ("只能由管理员登记" in page.text) == refused


def test_an_account_entered_in_the_register_is_told_to_the_person_s_others(dashboard: Dashboard) -> None:
    story = dashboard.story
    with story.office() as store:
        [patroller] = store.register.people_named("甲化工巡检员")
        store.register.bind(patroller.id, "wecom", "p1b", story.clock.now())
        mobile = patroller.mobile or ""
    story.cloud.add_member("p1b")
    form = {"name": "甲化工巡检员", "roles": "巡检员", "codes": "E001", "mobile": mobile, "wecom": "p1c"}
    assert dashboard.signed_in("staff").act("/register/人员/row", form).status_code == 302
    story.settle()
    assert story.hears("p1b")[0].startswith("🔐")
    assert story.hears("p1") == []


def test_names_are_escaped(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    staff.act("/register/企业/row", {**ENTERPRISE, "name": "<script>alert(1)</script>"})
    for path in ("/register/企业", "/history", "/search?q=<script>"):
        page = staff.get(path).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in staff.get("/register/企业").text


def test_roster_rows_and_rules_are_saved(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    shift = {"day": "2026-12-01", "leader": "李局", "staff": "", "backup": ""}
    answer = staff.act("/register/值班表/row", shift)
    assert answer.status_code == 302, answer.text
    rule = {"name": "截止时间", "value": "05:30", "effective_from": "2026-12-01"}
    assert staff.act("/register/规则/row", rule).status_code == 302
    with dashboard.story.bot.uow.read() as store:
        book = dashboard.story.bot.uow.rules(store)
    nights = (NIGHT, NIGHT.replace(month=12, day=1))
    assert [f"{book.for_night(night).closes:%H:%M}" for night in nights] == ["06:00", "05:30"]


def test_a_robot_key_is_hidden_in_lists_and_in_the_audit_log(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    key = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
    assert staff.act("/register/群/row", {"name": "三群", "robot_key": key, "chat_id": ""}).status_code == 302
    assert key not in staff.get("/register/群").text + staff.get("/trail").text
    exported = dashboard.signed_in("auditor").get("/export").data
    rows = list(load_workbook(BytesIO(exported))["群"].values)
    assert [row[1] for row in rows[1:3]] == [None, None]


def test_an_empty_workbook_can_be_downloaded_where_one_imports(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    assert ">下载空白模板</a>" in staff.get("/import").text
    book = load_workbook(BytesIO(staff.get("/import/template").data))
    assert book.sheetnames == ["企业", "重点部位", "人员", "重大危险源", "群", "值班表", "规则", "内容"]
    assert dashboard.signed_in("patroller").get("/import/template").status_code == 403


def workbook(rows: list[list[object]]) -> BytesIO:
    book, made = Workbook(), BytesIO()
    book.remove(book.active)
    sheet = book.create_sheet("企业")
    for row in [["企业编号", "企业名称"], *rows]:
        sheet.append(row)
    book.save(made)
    made.seek(0)
    return made


def upload(browser: Browser, rows: list[list[object]]) -> str:
    return browser.act(
        "/import", {"file": (workbook(rows), "登记册.xlsx")}, page="/import", content_type="multipart/form-data"
    ).text


def test_a_workbook_is_imported_as_previewed(dashboard: Dashboard, tmp_path: Path) -> None:
    staff = dashboard.signed_in("staff")
    page = upload(staff, [["E101", "甲一"], ["E102", "乙一"]])
    assert "新增 2" in page
    assert marks(staff, "企业", "E101") == []  # only shown so far
    digest = re.findall(r"/import/(\w{64})", page)[0]
    preview = re.findall(r'name="preview" value="(\w{64})"', page)[0]
    staff.act("/register/企业/row", {**ENTERPRISE, "code": "E101"})
    outdated = staff.act(f"/import/{digest}", {"preview": preview}, page="/import")
    assert (outdated.status_code, "试读以后有人改动过" in outdated.text) == (422, True)
    preview = re.findall(r'name="preview" value="(\w{64})"', outdated.text)[0]
    assert "已导入" in staff.act(f"/import/{digest}", {"preview": preview}, page="/import").text
    assert len(marks(staff, "企业", "E10")) == 2
    assert staff.act(f"/import/{'0' * 64}", page="/import").status_code == 404


def test_a_refused_workbook_names_its_cells_and_cannot_be_confirmed(dashboard: Dashboard) -> None:
    page = upload(dashboard.signed_in("staff"), [["E101", None]])
    assert "企业表第 2 行“企业名称”" in page
    assert "确认导入" not in page


@pytest.mark.slow
def test_ten_thousand_rows_are_previewed(dashboard: Dashboard) -> None:
    page = upload(dashboard.signed_in("staff"), [[f"F{number:05d}", f"企业{number}"] for number in range(10_000)])
    assert "新增 10000" in page


@pytest.mark.parametrize("role", ["patroller", "head", "leader"])
def test_the_register_is_for_the_office(dashboard: Dashboard, role: str) -> None:
    assert {
        dashboard.signed_in(role).get(path).status_code for path in ("/register", "/import", "/export", "/office")
    } == {403}


def test_an_auditor_reads_the_register_and_changes_nothing(dashboard: Dashboard) -> None:
    auditor = dashboard.signed_in("auditor")
    for path in ("/register", "/register/人员", "/office", "/trail?check=1", "/history", "/export"):
        assert auditor.get(path).status_code == 200, path
    for path in ("/register/企业/row", "/office/invitations", "/import", "/office/films"):
        assert auditor.act(path, {"name": "x"}).status_code == 403, path


def test_the_preview_shows_old_and_new_of_every_cell_page_by_page(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    rows: list[list[object]] = [[f"F{number:03d}", f"企业{number}"] for number in range(250)]
    page = upload(staff, rows)
    digest, preview = (re.findall(pattern, page)[0] for pattern in (r"/import/(\w{64})", r'value="(\w{64})"'))
    staff.act(f"/import/{digest}", {"preview": preview}, page="/import")
    page = upload(staff, [[code, f"新{name}"] for code, name in rows])
    assert "将要修改（500 处）" in page  # the short name follows the name
    assert re.search(r"第 2 行</span>\s*<span class=\"changes__name\">F000 新企业0</span> 企业名称", page)
    assert "<del>企业0</del> → <ins>新企业0</ins>" in page
    assert "<ins>新企业249</ins>" not in page
    [path] = re.findall(r'<a href="(/import/[^"]*from=200)#changes', page.replace("&amp;", "&"))
    assert "<ins>新企业150</ins>" in staff.get(path).text
    assert "<ins>新企业249</ins>" in staff.get(path.replace("from=200", "from=400")).text
    assert marks(staff, "企业", "新企业") == []  # nothing is stored by looking


def test_errors_come_before_changes(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    page = upload(staff, [["E001", "甲化工新名"], ["E1 2/3", "丙"]])
    assert 0 < page.index("需要修改（1 处）") < page.index("将要修改（") < page.index("统计")


def test_the_register_is_in_the_menu_of_those_who_may_see_it(dashboard: Dashboard) -> None:
    shown = {role: '<a href="/register"' in dashboard.signed_in(role).get("/").text for role in CAST}
    assert {role for role, is_shown in shown.items() if is_shown} == {"staff", "auditor", "admin"}


def test_every_rule_is_explained_with_its_value_tonight(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    page = staff.get("/register/规则").text
    for name in RULE_FIELDS:
        assert f"<h2>{name}</h2>" in page
    assert "当夜正常报送的截止时间，此后为迟报" in page
    assert re.search(r"截止时间</h2>.*?<b>06:00</b>", page, re.S)
    [path] = re.findall(r'href="(/register/规则/row\?name=%E6%88%AA%E6%AD%A2[^"]*)"', page)
    assert "value=06%3A00" in path or "value=06:00" in path
    form = staff.get(path.replace("&amp;", "&")).text
    assert '<input type="time" name="value" value="06:00"' in form
    assert re.search(r'type="date"[^>]*|value="2026-11-2\d"[^>]*type="date"', form)


RULE_INPUTS = [
    ("催报时间", ["04:30", "", "1:15"], "01:15、04:30", 'type="time" name="value" value="01:15"'),
    ("集体缺报阈值", ["1"], "1%", 'type="number" name="value" value="1"'),
    ("升级间隔分钟", ["15"], "15", 'type="number" name="value" value="15" min="1"'),
    ("险情词", ["跑气\r\n漏料\r\n"], "跑气、漏料", "跑气\n漏料</textarea>"),
]


@pytest.mark.parametrize(("name", "entered", "stored", "shown"), RULE_INPUTS)
def test_a_rule_is_edited_by_its_kind(
    dashboard: Dashboard, name: str, entered: list[str], stored: str, shown: str
) -> None:
    staff = dashboard.signed_in("staff")
    form = {"name": name, "value": entered, "effective_from": "2026-12-01"}
    assert staff.act("/register/规则/row", form).status_code == 302
    with dashboard.story.bot.uow.read() as store:
        assert [(rule.name, rule.value) for rule in store.register.rules()][-1] == (name, stored)
    [path] = [
        path
        for path in re.findall(r'href="(/register/规则/row\?row=\w+)"', staff.get("/register/规则").text)
        if shown in staff.get(path).text
    ]
    assert "修改记录" in staff.get(path).text


def test_a_wrong_value_of_a_rule_is_refused_as_in_the_workbook(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    for name, value, reason in (
        ("截止时间", "25:00", "不是有效的时间"),
        ("升级间隔分钟", "0", "应为不小于 1 的整数"),
        ("集体缺报阈值", "140", "不是有效的百分比"),
    ):
        answer = staff.act("/register/规则/row", {"name": name, "value": value})
        assert (answer.status_code, reason in answer.text) == (422, True), name


def test_enterprises_and_people_are_picked(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    roster = staff.get("/register/值班表/row").text
    leaders, backups = (
        re.search(rf'<select name="{field}".*?</select>', roster, re.S) for field in ("leader", "backup")
    )
    assert leaders is not None
    assert backups is not None
    assert "<option>李局</option>" in leaders[0]
    assert "王科" not in leaders[0]  # staff, who may not lead
    part = staff.get("/register/重点部位/row").text
    [label] = re.findall(r"<option>(E001 [^<]*)</option>", part)
    form = {"code": label, "number": "77", "name": "泵房"}
    answer = staff.act("/register/重点部位/row", form)
    assert answer.status_code == 302, answer.text
    assert "E001" in staff.get(answer.location).text
    assert "重点部位/E001/77" in staff.get("/trail?q=E001/77").text
    people = staff.get("/register/人员/row").text
    assert [label] == re.findall(r"<option>(E001 [^<]*)</option>", people)
    assert '<input type="checkbox" name="roles" value="巡检员">' in people


def test_an_unknown_enterprise_is_refused_with_its_reason(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    answer = staff.act("/register/重点部位/row", {"code": "无此企业", "number": "1", "name": "泵房"})
    assert (answer.status_code, "企业编号：没有这个编号或名称的企业" in answer.text) == (422, True)


def test_a_saved_row_tells_what_to_note(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    answer = staff.act("/register/值班表/row", {"day": "2026-12-01", "leader": "李局", "backup": "李局"})
    assert "李局同时是值班领导和备班领导" in staff.get(answer.location).text


def test_a_major_hazard_source_is_edited_with_the_people_and_parts_of_its_enterprise(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    source = {"code": "E001", "source_number": "1", "source_name": "甲醇罐区", "source_level": "三级"}
    assert staff.act("/register/重大危险源/row", source).status_code == 302
    [mark] = marks(staff, "重大危险源", "E001")
    page = staff.get(f"/register/重大危险源/row?row={mark}").text
    assert "<option>甲化工巡检员</option>" in page
    assert "<option>1 罐区</option>" in page
    assert "乙化工巡检员" not in page
    refused = staff.act(f"/register/重大危险源/row?row={mark}", {**source, "head": "乙化工负责人"})
    assert (refused.status_code, "主要负责人：乙化工负责人不是甲化工有限公司的在职人员" in refused.text) == (422, True)
    named = {**source, "part_numbers": ["1 罐区", "2 装卸台"], "head": "甲化工负责人", "operation": "甲化工巡检员"}
    assert staff.act(f"/register/重大危险源/row?row={mark}", named).status_code == 302
    [mark] = marks(staff, "重大危险源", "E001")
    page = staff.get(f"/register/重大危险源/row?row={mark}").text
    assert "操作负责人：— → 甲化工巡检员" in page
    assert "<td>1、2</td>" in staff.get("/register/重大危险源").text
