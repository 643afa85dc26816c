"""The roster as a month's calendar: who is on duty, which nights lack a leader, and changing one night in place."""

from __future__ import annotations

import re

import pytest

from storage.register_terms import DUTY_LEADER
from tests.web.parts import Browser, Dashboard

DAY = "2026-12-05"
NEXT_YEAR = "2027-01"


@pytest.fixture
def staff(dashboard: Dashboard) -> Browser:
    """The office's browser, with a second and a third leader in the register, who bear the same name."""
    admin = dashboard.signed_in("admin")
    for mobile in ("13900000011", "13900000012"):
        form = {"name": "刘洋", "roles": DUTY_LEADER, "mobile": mobile}
        assert admin.act("/register/人员/row", form).status_code == 302
    return dashboard.signed_in("staff")


def save(browser: Browser, day: str = DAY, row: str | None = None, **posts: str | list[str]) -> tuple[int, str]:
    mark = (
        re.findall(r'name="row" value="(\w*)"', browser.get(f"/register/roster/{day}").text)[0] if row is None else row
    )
    answer = browser.act(f"/register/roster/{day}", {"row": mark, **posts})
    return answer.status_code, answer.text


def day_of(page: str, day: str = DAY) -> str:
    [shown] = re.findall(rf'<li id="day-{day}".*?</li>', page, re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", shown).split())


def test_a_month_shows_who_is_on_duty_and_which_nights_lack_a_leader(staff: Browser) -> None:
    page = staff.get("/register/roster?month=2026-12").text
    assert "2026年12月值班表" in page
    assert "还有 31 天没有值班领导" in page
    assert day_of(page) == "5 周六 未排值班领导"
    status, answer = save(staff, leader="李局", backup="刘洋（13900000011）", staff=["王科", ""])
    assert (status, day_of(answer)) == (200, "5 周六 领导 李局 备班 刘洋（13900000011） 人员 王科")
    assert "还有 30 天没有值班领导" in answer  # replaces the count above the calendar
    assert day_of(staff.get("/register/roster?month=2026-12").text) == day_of(answer)


def test_past_nights_are_no_gaps(staff: Browser) -> None:
    page = staff.get("/register/roster?month=2026-10").text
    assert "未排值班领导" not in page
    assert "本月今天以后都排了值班领导" in page


def test_people_are_picked_and_equals_told_apart(staff: Browser) -> None:
    form = staff.get(f"/register/roster/{DAY}").text
    [leaders] = re.findall(r'<select name="leader".*?</select>', form, re.S)
    assert re.findall(r"<option>([^<]*)</option>", leaders) == [
        "刘洋（13900000011）",
        "刘洋（13900000012）",
        "李局",
        "赵局",
    ]
    assert "<input name=" not in form


@pytest.mark.slow
def test_a_change_is_checked_like_a_row_of_the_workbook(staff: Browser) -> None:
    status, answer = save(staff, leader="", backup="李局")
    assert (status, "值班领导：当天没有值班领导" in answer) == (422, True)
    assert "<option selected>李局</option>" in answer  # what was picked is not lost
    status, answer = save(staff, leader="刘洋")
    assert (status, "分不清是谁" in answer) == (422, True)
    assert "李局同时是值班领导和备班领导" in save(staff, leader="李局", backup="李局")[1]
    assert "备班领导就是值班领导本人" in staff.get("/register/roster?month=2026-12").text


def test_a_change_is_on_record_with_both_values(staff: Browser) -> None:
    save(staff, leader="李局")
    save(staff, leader="刘洋（13900000012）")
    [path] = re.findall(r"/register/值班表/row\?row=\w+", staff.get(f"/register/roster/{DAY}").text)
    page = staff.get(path).text
    assert "值班领导：李局 → 刘洋（13900000012）" in page
    assert f"值班表/{DAY}" in staff.get(f"/trail?q={DAY}").text


def test_a_post_that_is_not_in_the_form_stays(staff: Browser) -> None:
    save(staff, leader="李局", staff="王科")
    shown = day_of(save(staff, leader="刘洋（13900000011）")[1])
    assert shown == "5 周六 领导 刘洋（13900000011） 人员 王科 值班领导刘洋没有账号，夜里收不到提醒"


def test_a_night_changed_by_another_user_is_not_overwritten(dashboard: Dashboard, staff: Browser) -> None:
    save(dashboard.signed_in("admin"), leader="李局")
    status, answer = save(staff, row="", leader="刘洋（13900000011）")
    assert (status, "刚被别人改过" in answer) == (422, True)
    assert "<option selected>李局</option>" in answer
    assert "李局" in day_of(staff.get("/register/roster?month=2026-12").text)


def test_without_scripts_a_day_leads_to_its_row(staff: Browser) -> None:
    page = staff.get(f"/register/roster?month={NEXT_YEAR}").text
    assert 'href="/register/值班表/row?day=2027-01-05"' in page
    assert 'value="2027-01-05" type="date"' in staff.get("/register/值班表/row?day=2027-01-05").text
    answer = staff.act("/register/值班表/row", {"day": "2027-01-05", "leader": "李局"})
    assert answer.location == "/register/roster?month=2027-01#day-2027-01-05"


def test_an_auditor_sees_the_calendar_and_changes_nothing(dashboard: Dashboard) -> None:
    auditor = dashboard.signed_in("auditor")
    page = auditor.get("/register/roster").text
    assert "2026年11月值班表" in page
    assert "hx-get" not in page
    assert auditor.get(f"/register/roster/{DAY}").status_code == 403
    assert auditor.act(f"/register/roster/{DAY}", {"leader": "李局"}).status_code == 403
    assert dashboard.signed_in("leader").get("/register/roster").status_code == 403


@pytest.mark.parametrize("month", ["2026-13", "x", "1999-12", "2200-01", "2026-12-05"])
def test_a_month_outside_the_calendar_is_not_found(staff: Browser, month: str) -> None:
    assert staff.get(f"/register/roster?month={month}").status_code == 404
