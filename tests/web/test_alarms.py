"""What somebody has to answer, above the board, and answering it there."""

from __future__ import annotations

from handlers.permissions import COUNTY_ROLES, ROLES
from tests.web.parts import Room


def cry(watch: Room) -> int:
    """Somebody reports danger; the alert's id."""
    watch.story.time("00:30")
    watch.story.says("p1", "险情，<b>二号泵漏</b>")
    assert watch.story.hears("p1")
    with watch.story.office() as store:
        return int(store.alerts.unacknowledged()[-1].id)


def test_danger_stands_above_the_board_until_somebody_has_it(watch: Room) -> None:
    alert_id = cry(watch)
    leader, auditor = watch.signed_in("leader"), watch.signed_in("auditor")
    page = leader.get("/tonight/alarms").text
    assert "二号泵漏" in page
    assert "<b>二号泵漏" not in page
    assert "alert--emergency" in page
    assert "已知悉</button>" in page
    assert "尚无人接警" in auditor.get("/tonight/alarms").text
    taken = leader.act(f"/tonight/alarms/{alert_id}/take", page="/")
    assert "李局 00:30 已知悉" in taken.text
    assert "李局 00:30 已知悉" in auditor.get("/tonight/alarms").text
    watch.story.hears("leader")


def test_who_takes_it_on_the_page_stops_the_ladder_and_the_cards_show_it(watch: Room) -> None:
    alert_id = cry(watch)
    watch.signed_in("staff").act(f"/tonight/alarms/{alert_id}/take", page="/")
    watch.story.settle()
    assert watch.story.cloud.phone("leader").cards[-1].replacement_text == "王科 00:30 已知悉"
    watch.story.hears("leader")
    watch.story.time("00:50")
    assert watch.story.hears("backup") == []


def test_who_comes_second_sees_who_was_first(watch: Room) -> None:
    alert_id = cry(watch)
    watch.story.taps("leader", "已知悉")
    page = watch.signed_in("staff").act(f"/tonight/alarms/{alert_id}/take", page="/").text
    assert "李局 00:30 已知悉" in page
    watch.story.hears("leader")


def test_only_the_county_sees_alarms_and_only_those_on_duty_take_them(watch: Room) -> None:
    alert_id = cry(watch)
    takers = {"leader", "staff", "admin"}
    for role in ROLES:
        browser = watch.signed_in(role)
        assert browser.get("/tonight/alarms").status_code == (200 if role in COUNTY_ROLES else 403)
        expected = 200 if role in takers else 403
        assert browser.act(f"/tonight/alarms/{alert_id}/take", page="/").status_code == expected
    assert watch.signed_in("admin").act("/tonight/alarms/999/take", page="/").status_code == 404
    watch.story.hears("leader")
