"""Alerts above the board, and acknowledging them there."""

from __future__ import annotations

import re
from datetime import timedelta

from handlers.permissions import COUNTY_ROLES, ROLES
from tests.harness import at
from tests.web.parts import Dashboard


def report_emergency(dashboard: Dashboard) -> int:
    """A patroller reports an emergency; returns the id of the alert."""
    dashboard.story.time("00:30")
    dashboard.story.says("p1", "险情，<b>二号泵漏</b>")
    assert dashboard.story.hears("p1")
    with dashboard.story.office() as store:
        return int(store.alerts.unacknowledged(dashboard.story.clock.now())[-1].id)


def test_an_emergency_is_shown_until_it_is_acknowledged(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    leader, auditor = dashboard.signed_in("leader"), dashboard.signed_in("auditor")
    page = leader.get("/tonight/alarms").text
    assert "二号泵漏" in page
    assert "<b>二号泵漏" not in page
    assert "alert--emergency" in page
    assert "已知悉</button>" in page
    assert "尚无人接警" in auditor.get("/tonight/alarms").text
    taken = leader.act(f"/tonight/alarms/{alert_id}/take", page="/")
    assert "李局 00:30 已知悉" in taken.text
    assert "李局 00:30 已知悉" in auditor.get("/tonight/alarms").text
    dashboard.story.hears("leader")


def test_an_alert_says_once_when_and_whom_to_call_and_who_comes_next(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    dashboard.story.clock.instant = at("00:32") + timedelta(seconds=30)
    leader = dashboard.signed_in("leader")
    page = leader.get("/tonight/alarms").text
    assert page.count("00:30") == 1
    assert re.search(r'class="call" href="tel:\d{11}"', page)
    wait = re.search(r'data-seconds="(\d+)">(\d+:\d\d)</time> 后通知：(.*?)</span>', page)
    assert wait is not None
    assert (wait[1], wait[2], wait[3]) == ("450", "7:30", "赵局")
    taken = leader.act(f"/tonight/alarms/{alert_id}/take", page="/").text
    assert "后通知" not in taken
    assert '<details class="alert alert--acknowledged"' in taken
    dashboard.story.hears("leader"), dashboard.story.hears("p1")


def test_acknowledging_on_the_page_stops_the_escalation_and_updates_the_cards(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    dashboard.signed_in("staff").act(f"/tonight/alarms/{alert_id}/take", page="/")
    dashboard.story.settle()
    assert dashboard.story.cloud.phone("leader").cards[-1].replacement_text == "王科 00:30 已知悉"
    dashboard.story.hears("leader"), dashboard.story.hears("p1")
    dashboard.story.time("00:50")
    assert dashboard.story.hears("backup") == []


def test_the_first_acknowledgement_stands(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    dashboard.story.taps("leader", "已知悉")
    page = dashboard.signed_in("staff").act(f"/tonight/alarms/{alert_id}/take", page="/").text
    assert "李局 00:30 已知悉" in page
    dashboard.story.hears("leader"), dashboard.story.hears("p1")


def test_county_roles_see_alerts_and_some_acknowledge_them(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    takers = {"leader", "staff", "admin"}
    for role in ROLES:
        browser = dashboard.signed_in(role)
        assert browser.get("/tonight/alarms").status_code == (200 if role in COUNTY_ROLES else 403)
        expected = 200 if role in takers else 403
        assert browser.act(f"/tonight/alarms/{alert_id}/take").status_code == expected
    assert dashboard.signed_in("admin").act("/tonight/alarms/999/take", page="/").status_code == 404
    dashboard.story.hears("leader")


def test_resolving_on_the_page_carries_an_outcome_and_stands_everybody_down(dashboard: Dashboard) -> None:
    alert_id = report_emergency(dashboard)
    staff = dashboard.signed_in("staff")
    page = staff.act(f"/tonight/alarms/{alert_id}/take", {"text": "已打电话核实"}, page="/").text
    assert "已打电话核实" in page
    page = staff.act(f"/tonight/alarms/{alert_id}/resolve", {"text": "泵已停，<b>无人</b>受伤"}, page="/").text
    assert "二号泵漏" not in page
    dashboard.story.settle()
    assert "处置结果：泵已停" in dashboard.story.hears("leader")[-1]
    assert "王科" in dashboard.story.hears("p1")[-1]
    assert dashboard.story.view()["alerts"][0]["resolved_by"] == "王科"


def test_what_is_still_true_is_not_resolved_on_the_page_without_a_reason(dashboard: Dashboard) -> None:
    dashboard.story.time("05:08")
    dashboard.story.group_hears("KEY")
    with dashboard.story.office() as store:
        alert_id = store.alerts.unacknowledged(dashboard.story.clock.now())[-1].id
    leader = dashboard.signed_in("leader")
    assert "请写明原因" in leader.act(f"/tonight/alarms/{alert_id}/resolve", page="/").text
    assert "请写明原因" not in leader.act(f"/tonight/alarms/{alert_id}/resolve", {"text": "已电话核实"}, page="/").text
    dashboard.story.hears("leader")
