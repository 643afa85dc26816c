"""The register on the desk: one row at a time, a whole workbook after a look, and what was done to it before."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tests.harness import NIGHT
from tests.web.parts import Browser, Room

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


def test_a_row_is_added_and_changed_and_its_history_says_by_whom(watch: Room) -> None:
    staff = watch.signed_in("staff")
    assert staff.act("/register/企业/row", ENTERPRISE).status_code == 302
    [mark] = marks(staff, "企业", "E009")
    assert staff.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "status": "停产"}).status_code == 302
    [mark] = marks(staff, "企业", "E009")
    page = staff.get(f"/register/企业/row?row={mark}").text
    assert "状态：生产 → 停产" in page
    assert "企业/E009" in staff.get("/trail?q=E009").text


def test_a_cell_that_cannot_be_is_refused_with_its_reason_and_nothing_is_changed(watch: Room) -> None:
    staff = watch.signed_in("staff")
    answer = staff.act("/register/企业/row", {**ENTERPRISE, "risk": "紫"})
    assert (answer.status_code, "风险等级：应为 红、橙、黄、蓝 之一" in answer.text) == (422, True)
    assert "新来化工有限公司" in answer.text  # what was typed is not lost
    assert marks(staff, "企业", "E009") == []


def test_a_row_that_somebody_else_changed_meanwhile_is_not_written_over(watch: Room) -> None:
    first, second = watch.signed_in("staff"), watch.signed_in("admin")
    first.act("/register/企业/row", ENTERPRISE)
    [mark] = marks(first, "企业", "E009")
    assert second.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "risk": "红"}).status_code == 302
    answer = first.act(f"/register/企业/row?row={mark}", {**ENTERPRISE, "risk": "蓝"})
    assert (answer.status_code, "刚被别人改过" in answer.text) == (409, True)


def test_script_in_a_name_shows_as_text(watch: Room) -> None:
    staff = watch.signed_in("staff")
    staff.act("/register/企业/row", {**ENTERPRISE, "name": "<script>alert(1)</script>"})
    for path in ("/register/企业", "/history", "/search?q=<script>"):
        page = staff.get(path).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in staff.get("/register/企业").text


def test_a_roster_row_and_a_rule_with_its_date_are_taken(watch: Room) -> None:
    staff = watch.signed_in("staff")
    shift = {"day": "2026-12-01", "leader": "李局", "staff": "", "backup": ""}
    answer = staff.act("/register/值班表/row", shift)
    assert answer.status_code == 302, answer.text
    rule = {"name": "截止时间", "value": "05:30", "effective_from": "2026-12-01"}
    assert staff.act("/register/规则/row", rule).status_code == 302
    with watch.story.bot.uow.read() as store:
        book = watch.story.bot.uow.rules(store)
    nights = (NIGHT, NIGHT.replace(month=12, day=1))
    assert [f"{book.for_night(night).closes:%H:%M}" for night in nights] == ["06:00", "05:30"]


def test_a_robot_key_is_neither_listed_nor_told_to_the_trail(watch: Room) -> None:
    staff = watch.signed_in("staff")
    key = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
    assert staff.act("/register/群/row", {"name": "三群", "robot_key": key, "chat_id": ""}).status_code == 302
    assert key not in staff.get("/register/群").text + staff.get("/trail").text
    exported = watch.signed_in("auditor").get("/export").data
    rows = list(load_workbook(BytesIO(exported))["群"].values)
    assert [row[1] for row in rows[1:3]] == [None, None]


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


def test_a_workbook_is_shown_first_and_taken_as_it_was_shown(watch: Room, tmp_path: Path) -> None:
    staff = watch.signed_in("staff")
    page = upload(staff, [["E101", "甲一"], ["E102", "乙一"]])
    assert "新增 2" in page
    assert marks(staff, "企业", "E101") == []  # only shown so far
    digest = re.findall(r"/import/(\w{64})", page)[0]
    assert "已导入" in staff.act(f"/import/{digest}", page="/import").text
    assert len(marks(staff, "企业", "E10")) == 2
    assert staff.act(f"/import/{'0' * 64}", page="/import").status_code == 404


def test_a_refused_workbook_names_its_cells_and_offers_no_way_on(watch: Room) -> None:
    page = upload(watch.signed_in("staff"), [["E101", None]])
    assert "企业表第 2 行“企业名称”" in page
    assert "确认导入" not in page


def test_ten_thousand_rows_are_looked_at(watch: Room) -> None:
    page = upload(watch.signed_in("staff"), [[f"F{number:05d}", f"企业{number}"] for number in range(10_000)])
    assert "新增 10000" in page


@pytest.mark.parametrize("role", ["patroller", "head", "leader"])
def test_the_register_is_not_for_everybody(watch: Room, role: str) -> None:
    assert {watch.signed_in(role).get(path).status_code for path in ("/register", "/import", "/export", "/office")} == {
        403
    }


def test_an_auditor_reads_all_and_changes_nothing(watch: Room) -> None:
    auditor = watch.signed_in("auditor")
    for path in ("/register", "/register/人员", "/office", "/trail?check=1", "/history", "/export"):
        assert auditor.get(path).status_code == 200, path
    for path in ("/register/企业/row", "/office/invitations", "/import", "/office/films/1124-0001/attach"):
        assert auditor.act(path, {"name": "x"}).status_code == 403, path
