"""The hazard ledger on pages: the list, one hazard with its story, the board of the week, new hazards."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft, add_hazard
from storage.db.models import Enterprise, MajorHazardSource, Person
from tests.harness import Story, mobile_of, row
from tests.web.parts import Browser, Dashboard

NUMBER = "YH-2026-0001"
NEW = {"enterprise": "甲化工", "part": "罐区", "matter": "法兰渗漏", "kind": "process", "level": "general"}
FOUR_LISTS = {"matter": "法兰渗漏", "responsible": "甲化工负责人", "measure": "更换垫片"}


def deadline(night: Story) -> str:
    return (night.clock.instant + timedelta(days=7)).date().isoformat()


def registered(dashboard: Dashboard, **more: str) -> Browser:
    """The browser of the staff after a complete hazard was registered by it."""
    night, staff = dashboard.story, dashboard.signed_in("staff")
    form = {**NEW, **FOUR_LISTS, "treatment": "deadline", "deadline": deadline(night), **more}
    answer = staff.act("/hazards/new", form)
    assert answer.headers["Location"].endswith(f"/hazards/{NUMBER}")
    hear_all(night)
    return staff


def hear_all(night: Story) -> None:
    night.settle()
    for who in ("p1", "h1", "leader", "staff"):
        night.hears(who)


def test_a_hazard_is_registered_completed_put_right_and_accepted(dashboard: Dashboard) -> None:
    night, staff, head = dashboard.story, dashboard.signed_in("staff"), dashboard.signed_in("head")
    staff.act("/hazards/new", NEW)
    page = staff.get(f"/hazards/{NUMBER}").text
    assert all(words in page for words in ("待补全", "还缺：责任人、整改措施、整改时限", "法兰渗漏"))
    staff.act(f"/hazards/{NUMBER}/edit", {**FOUR_LISTS, "deadline": deadline(night)})
    assert "整改中" in staff.get(f"/hazards/{NUMBER}").text
    hear_all(night)
    night.time("00:30")
    night.says("p1", "1")
    night.film("p1")
    head.act(f"/hazards/{NUMBER}/submit", {"receipt": "1124-0001", "reason": "垫片已换"})
    assert [f"/{NUMBER}/accept" in each.get(f"/hazards/{NUMBER}").text for each in (head, staff)] == [False, True]
    refused = head.act(f"/hazards/{NUMBER}/accept", {})
    assert (refused.status_code, "须由其他人复查验收" in refused.text) == (422, True)
    without_reason = staff.act(f"/hazards/{NUMBER}/return", {"reason": ""})
    assert (without_reason.status_code, "请写明原因" in without_reason.text) == (422, True)
    staff.act(f"/hazards/{NUMBER}/accept", {"reason": "已不渗漏"})
    page = staff.get(f"/hazards/{NUMBER}").text
    story = page.partition('hazard__timeline">')[2]
    assert story.index("已验收") < story.index("待验收") < story.index("整改中") < story.rindex("待补全")
    assert "报整改完成（第1次），材料 1124-0001" in story
    assert staff.image(f"/hazards/{NUMBER}/1.jpg").content_type == "image/jpeg"
    hear_all(night)


def test_an_extension_is_asked_and_granted_and_the_first_deadline_stays(dashboard: Dashboard) -> None:
    night = dashboard.story
    staff, head = registered(dashboard), dashboard.signed_in("head")
    until = (night.clock.instant + timedelta(days=20)).date().isoformat()
    head.act(f"/hazards/{NUMBER}/extension", {"until": until, "reason": "阀门到货晚", "interim": "每班巡检两次"})
    assert "阀门到货晚" in staff.get(f"/hazards/{NUMBER}").text
    staff.act(f"/hazards/{NUMBER}/grant", {})
    page = staff.get(f"/hazards/{NUMBER}").text
    assert (until in page, f"首次时限 {deadline(night)}" in page) == (True, True)
    hear_all(night)


def test_two_people_who_edit_at_once_are_told_both_values(dashboard: Dashboard) -> None:
    staff = registered(dashboard)
    version = staff.get(f"/hazards/{NUMBER}").text.partition('name="version" value="')[2].partition('"')[0]
    staff.act(f"/hazards/{NUMBER}/edit", {"measure": "更换阀门", "version": version})
    late = dashboard.signed_in("leader").act(f"/hazards/{NUMBER}/edit", {"measure": "带压堵漏", "version": version})
    assert late.status_code == 422
    assert "现为“更换阀门”，您填写“带压堵漏”" in late.text


def fields_of(page: str) -> set[str]:
    """The names in the form that edits a hazard."""
    form = page.partition('/edit">')[2].partition("</form>")[0]
    return set(re.findall(r'name="(\w+)"', form)) - {"csrf_token", "version"}


def test_a_head_fills_in_what_the_office_left_to_the_enterprise(dashboard: Dashboard) -> None:
    registered(dashboard)
    head = dashboard.signed_in("head")
    assert fields_of(head.get(f"/hazards/{NUMBER}").text) == {"responsible", "measure", "cause", "cost_yuan"}
    head.act(
        f"/hazards/{NUMBER}/edit",
        {"responsible": "甲化工负责人", "measure": "更换阀门", "cause": "", "cost_yuan": "800"},
    )
    page = head.get(f"/hazards/{NUMBER}").text
    assert ("更换阀门" in page, "<dd>800</dd>" in page) == (True, True)
    refused = head.act(f"/hazards/{NUMBER}/edit", {"level": "major"})
    assert (refused.status_code, "等级由监管人员填写" in refused.text) == (422, True)
    hear_all(dashboard.story)


def test_the_office_fills_in_the_ids_of_the_exchange(dashboard: Dashboard) -> None:
    staff = registered(dashboard)
    ids = {"hazard_code": "h1", "risk_measure_id": "m1", "check_record_id": "c1"}
    assert set(ids) <= fields_of(staff.get(f"/hazards/{NUMBER}").text)
    staff.act(f"/hazards/{NUMBER}/edit", ids)
    assert 'name="risk_measure_id" maxlength="36" value="m1"' in staff.get(f"/hazards/{NUMBER}").text


def test_a_rectification_plan_can_be_emptied(dashboard: Dashboard) -> None:
    staff = registered(dashboard, level="major", criterion="AQ 3067-2026 5.2.1")
    staff.act(f"/hazards/{NUMBER}/edit", {"plan_aims": "停用老管线", "plan_funds": ""})
    assert "停用老管线" in staff.get(f"/hazards/{NUMBER}").text
    staff.act(f"/hazards/{NUMBER}/edit", {"plan_aims": "", "plan_funds": ""})
    assert "停用老管线" not in staff.get(f"/hazards/{NUMBER}").text


def test_the_list_is_filtered_searched_and_counted(dashboard: Dashboard) -> None:
    staff = registered(dashboard)
    staff.act("/hazards/new", {**NEW, "enterprise": "乙化工", "matter": "护栏锈蚀", "kind": "other"})
    everything = staff.get("/hazards").text
    assert all(words in everything for words in ("法兰渗漏", "护栏锈蚀", "全部 2", "整改中 1", "待补全 1"))
    for query, seen in (
        ("state=rectifying", "法兰渗漏"),
        ("text=护栏", "护栏锈蚀"),
        ("enterprise=甲化工", "法兰渗漏"),
        ("kind=other", "护栏锈蚀"),
    ):
        page = staff.get(f"/hazards?{query}").text
        assert [words for words in ("法兰渗漏", "护栏锈蚀") if words in page] == [seen], query
    assert "没有符合条件的隐患" in staff.get("/hazards?overdue=1").text
    assert (
        "有几家" in staff.get("/hazards?enterprise=化工").text or "甲化工" in staff.get("/hazards?enterprise=化工").text
    )
    sheet = load_workbook(BytesIO(staff.get("/hazards/ledger.xlsx?text=护栏").data)).active
    assert sheet is not None
    assert sheet.max_row == 2


def test_the_list_is_filtered_by_part_finder_date_and_group_of_states(dashboard: Dashboard) -> None:
    staff = registered(dashboard)
    staff.act("/hazards/new", {**NEW, "part": "装卸台", "matter": "接地线断开", "kind": "electrical"})
    dashboard.signed_in("leader").act("/hazards/new", {**NEW, "matter": "护栏锈蚀", "kind": "other"})
    staff.act("/hazards/YH-2026-0003/void", {"reason": "重复登记"})
    hear_all(dashboard.story)
    assert 'name="part"' not in staff.get("/hazards").text
    today, tomorrow = (f"2026-11-{day}" for day in (23, 24))
    for query, seen in (
        ("enterprise=甲化工&part=2", ["接地线断开"]),
        ("found_by=李局", ["护栏锈蚀"]),
        (f"found_from={today}&found_until={today}&state=valid", ["法兰渗漏", "接地线断开"]),
        (f"found_from={tomorrow}", []),
        (f"accepted_until={tomorrow}", []),
        ("state=open&part=2", ["法兰渗漏", "接地线断开"]),
        ("repeated=1", []),
    ):
        page = staff.get(f"/hazards?{query}").text
        assert [words for words in ("法兰渗漏", "接地线断开", "护栏锈蚀") if words in page] == seen, query
    assert '<option value="2" selected>2 装卸台</option>' in staff.get("/hazards?enterprise=甲化工&part=2").text
    assert "不含撤销 2" in staff.get("/hazards?state=valid").text


def test_a_long_ledger_is_shown_page_by_page(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        ctx = dashboard.story.bot.uow.context(store)
        enterprise = store.session.query(Enterprise).order_by(Enterprise.id).first()
        assert enterprise is not None
        for number in range(51):
            draft = HazardDraft(enterprise.id, {"matter": f"事项{number:02d}"})
            add_hazard(draft, actor_named("王科", store), ctx)
    staff = dashboard.signed_in("staff")
    first = staff.get("/hazards").text
    assert ("事项50" in first, "事项01" in first, "事项00" in first) == (True, True, False)
    assert "事项00" in staff.get("/hazards?before=2026.2").text


def test_an_enterprise_sees_and_registers_its_own_hazards_only(dashboard: Dashboard) -> None:
    registered(dashboard)
    other = dashboard.signed_in_as("h2")
    assert "法兰渗漏" not in other.get("/hazards").text
    assert other.get(f"/hazards/{NUMBER}").status_code == 404
    assert other.act(f"/hazards/{NUMBER}/submit", {"receipt": "1124-0001"}).status_code == 404
    refused = other.act("/hazards/new", NEW)
    assert (refused.status_code, "没有办理这项操作的权限" in refused.text) == (422, True)
    other.act("/hazards/new", {**NEW, "enterprise": "乙化工", "matter": "护栏锈蚀"})
    assert "企业自查" in other.get("/hazards").text


def test_the_week_shows_what_is_due_overdue_new_and_to_be_accepted(dashboard: Dashboard) -> None:
    night = dashboard.story
    staff = registered(dashboard)
    page = staff.get("/hazards/week").text
    assert all(words in page for words in ("已逾期 0", "7天内到期 1", "待验收 0", "近7天新发现 1"))
    night.clock.instant += timedelta(days=8)
    staff = dashboard.signed_in("staff")
    page = staff.get("/hazards/week").text
    assert all(words in page for words in ("已逾期 1", "近7天新发现 0"))


@pytest.mark.parametrize("path", ["/hazards/YH-2026-9999", f"/hazards/{NUMBER}/999.jpg", "/hazards?before=x.y"])
def test_what_does_not_exist_is_not_found_and_a_wrong_query_is_ignored(dashboard: Dashboard, path: str) -> None:
    staff = registered(dashboard)
    assert staff.get(path).status_code == (200 if "before" in path else 404)


def test_the_page_names_the_major_hazard_source_and_who_answers_for_it(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        part, person = store.register.parts_of(1)[0], row(store, Person, name="甲化工巡检员")
        source = MajorHazardSource(enterprise_id=1, number="1", name="甲醇罐区", level="三级", parts=[part])
        source.operation_id = person.id
        store.session.add(source)
    staff = registered(dashboard)
    page = staff.get(f"/hazards/{NUMBER}").text
    assert "1 甲醇罐区（三级）" in page
    assert "操作负责人 甲化工巡检员" in page
    assert f'href="tel:{mobile_of("甲化工巡检员")}"' in page
    hear_all(dashboard.story)


def test_what_the_office_registers_on_the_page_is_told_to_the_head_who_takes_it_over(dashboard: Dashboard) -> None:
    night = dashboard.story
    dashboard.signed_in("staff").act("/hazards/new", {"enterprise": "E001", "part": "1", "matter": "护栏锈蚀"})
    night.settle()
    said, card = night.hears("h1")
    assert said.startswith(
        f"🚩 王科 登记了隐患 {NUMBER}：甲化工 · 1 罐区，护栏锈蚀。\n还缺：责任人、整改措施、整改时限。"
    )
    assert card.startswith(f"发现隐患 {NUMBER}")
    night.taps("h1", "由我整改")
    night.says("h1", "除锈刷漆")
    assert night.hears("h1")[-1].startswith(f"已记入隐患 {NUMBER}。还缺：整改时限。")
