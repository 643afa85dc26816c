"""Sheets of hazards on a page: what would change is shown first, and imported by the rules of the ledger."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from tests.web.parts import Browser, Dashboard
from tests.web.test_hazards import NEW, NUMBER, hear_all, registered

PATH = "/hazards/import"


def edited(staff: Browser, **cells: Any) -> BytesIO:
    """The downloaded ledger with other values in the row of the only hazard, by heading."""
    book = load_workbook(BytesIO(staff.get("/hazards/ledger.xlsx").data))
    sheet, written = book.worksheets[0], BytesIO()
    for cell in sheet[1]:
        if cell.value in cells:
            sheet.cell(2, cell.column).value = cells[cell.value]
    book.save(written)
    written.seek(0)
    return written


def sheet_of(*rows: dict[str, Any]) -> BytesIO:
    book, written = Workbook(), BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.title = "隐患"
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(written)
    written.seek(0)
    return written


def uploaded(browser: Browser, workbook: BytesIO) -> str:
    how = {"page": PATH, "content_type": "multipart/form-data"}
    return browser.act(PATH, {"file": (workbook, "台账.xlsx")}, **how).text


def confirmed(browser: Browser, page: str) -> Any:
    digest, preview = re.findall(rf'action="{PATH}/(\w{{64}})".*?name="preview" value="(\w{{64}})"', page, re.S)[0]
    return browser.act(f"{PATH}/{digest}", {"preview": preview}, page=PATH)


def test_an_edited_ledger_shows_every_changed_cell_and_changes_nothing_before_it_is_confirmed(
    dashboard: Dashboard,
) -> None:
    staff = registered(dashboard)
    page = uploaded(staff, edited(staff, 整改措施="更换法兰", 等级="一般", 督办人="李局"))
    assert "将要修改（2 处）" in page
    found = re.findall(r"<del>(.*?)</del> → <ins>(.*?)</ins>", page)
    assert found == [("更换垫片", "更换法兰"), ("空", "李局")]
    assert "更换法兰" not in staff.get(f"/hazards/{NUMBER}").text
    assert "已导入" in confirmed(staff, page).text
    assert "更换法兰" in staff.get(f"/hazards/{NUMBER}").text
    hear_all(dashboard.story)


def test_new_rows_are_listed_and_a_row_without_all_four_lists_shows_its_new_state(dashboard: Dashboard) -> None:
    staff = dashboard.signed_in("staff")
    staff.act("/hazards/new", NEW)
    hear_all(dashboard.story)
    page = uploaded(staff, edited(staff, 整改措施="停用", 整改责任人="外包队", 整改时限="2026-12-20"))
    assert ("待补全", "整改中") in re.findall(r"<del>(.*?)</del> → <ins>(.*?)</ins>", page)
    assert "已导入" in confirmed(staff, page).text
    hear_all(dashboard.story)
    row = {"企业名称": "乙化工", "部位": "罐区", "事项": "护栏锈蚀"}
    page = uploaded(staff, sheet_of(row))
    assert ("将要新增（1 项）" in page, "隐患表第 2 行 新增：乙化工 罐区 护栏锈蚀" in page) == (True, True)
    assert "护栏锈蚀" not in staff.get("/hazards").text
    assert "已新增（1 项）" in confirmed(staff, page).text
    assert "护栏锈蚀" in staff.get("/hazards").text
    hear_all(dashboard.story)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"完成情况": "已验收"}, "不能用表格填写或修改"),
        ({"复查/验收人": "王科"}, "不能用表格填写或修改"),
        ({"整改时限": "2027-01-01"}, "需要更长时间请申请延期"),
        ({"单位": "乙化工有限公司"}, "不能用表格填写或修改"),
    ],
)
def test_what_only_an_act_may_change_is_refused_before_anything_else(
    dashboard: Dashboard, cells: dict[str, Any], reason: str
) -> None:
    staff = registered(dashboard)
    page = uploaded(staff, edited(staff, **{"整改措施": "更换法兰", **cells}))
    assert (reason in page, "确认导入" in page) == (True, False)
    assert page.index("需要修改（1 处）") < page.index("统计")
    assert "更换法兰" not in staff.get(f"/hazards/{NUMBER}").text


def test_a_change_between_preview_and_confirmation_is_shown_again(dashboard: Dashboard) -> None:
    staff = registered(dashboard)
    page = uploaded(staff, edited(staff, 整改措施="更换法兰"))
    dashboard.signed_in("leader").act(f"/hazards/{NUMBER}/edit", {"measure": "带压堵漏"})
    outdated = confirmed(staff, page)
    assert (outdated.status_code, "试读以后有人改动过" in outdated.text) == (422, True)
    assert ("带压堵漏", "更换法兰") in re.findall(r"<del>(.*?)</del> → <ins>(.*?)</ins>", outdated.text)
    assert "带压堵漏" in staff.get(f"/hazards/{NUMBER}").text
    assert "已导入" in confirmed(staff, outdated.text).text
    hear_all(dashboard.story)


def test_sheets_are_for_the_office_and_the_leader(dashboard: Dashboard) -> None:
    for role, status in (("leader", 200), ("head", 403), ("patroller", 403), ("auditor", 403)):
        assert dashboard.signed_in(role).get(PATH).status_code == status
    assert PATH in dashboard.signed_in("staff").get("/hazards").text
    assert PATH not in dashboard.signed_in("head").get("/hazards").text
