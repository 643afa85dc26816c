"""催报 from the board."""

from __future__ import annotations

import pytest

from tests.web.parts import Dashboard


def test_the_leader_asks_all_from_the_board(dashboard: Dashboard) -> None:
    dashboard.story.time("00:30")
    leader = dashboard.signed_in("leader")
    assert "催报全部未报企业" in leader.get("/").text
    assert "已催报" in leader.act("/tonight/urge", page="/").text
    again = leader.act("/tonight/urge", page="/").text
    assert "15分钟内刚催过" in again


def test_one_enterprise_is_asked_from_its_page(dashboard: Dashboard) -> None:
    dashboard.story.time("00:30")
    staff = dashboard.signed_in("staff")
    assert "催报这家企业" in staff.get("/tonight/E001").text
    assert "已催报1家：甲化工" in staff.act("/tonight/urge", {"enterprise": "E001"}, page="/tonight/E001").text
    assert staff.act("/tonight/urge", {"enterprise": "E999"}, page="/").status_code == 404


@pytest.mark.parametrize("role", ["patroller", "head", "auditor"])
def test_others_cannot_ask(dashboard: Dashboard, role: str) -> None:
    browser = dashboard.signed_in(role)
    assert "催报全部未报企业" not in browser.get("/", follow_redirects=True).text
    assert browser.act("/tonight/urge").status_code == 403
