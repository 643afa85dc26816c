"""People who only have WeChat: a whole night through customer service, with its losses and its five replies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator import Cloud
from handlers.enrolment import invite
from storage.notice_log import NoticeLog
from tests.harness import NIGHT, Story, at, film_bytes, story

ZHAO = "wmZhao"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """One enterprise with two parts; its second patroller has nothing but WeChat."""
    with kf_story(tmp_path) as played:
        yield played


def kf_story(folder: Path, **county: Any) -> Any:
    def settings(cloud: Cloud) -> dict[str, str]:
        cloud.add_customer(ZHAO, "赵师傅")
        return cloud.kf.settings()

    return story(folder, settings=settings, **{"enterprises": 1, **county})


def bound(night: Story) -> None:
    """Zhao opens the chat by the link that the office has sent him."""
    with night.office() as store:
        code = invite("赵师傅", ["巡检员"], "E001", store, night.clock.now()).code
    night.phone(ZHAO).enters(scene_param=code)
    night.settle()
    assert night.hears(ZHAO) == ["绑定成功，赵师傅（甲化工）。以后直接把巡检视频发给我就行。"]


def first_lines(said: list[str]) -> list[str]:
    return [text.splitlines()[0] for text in said]


def receipts(night: Story) -> list[str]:
    return [text.splitlines()[1] for text in night.hears(ZHAO) if text.startswith("✅")]


def silent(night: Story) -> None:
    """Read the other messages of the night."""
    for who in night.cloud.members:
        night.hears(who)
    for key in night.cloud.robots:
        night.group_hears(key)


def test_a_patroller_binds_films_is_asked_and_has_receipts(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.film(ZHAO)
    night.settle(6)
    asked = night.hears(ZHAO)
    assert (len(asked), "1124-0001" in asked[0]) == (1, True)
    night.says(ZHAO, "2")
    assert receipts(night) == ["甲化工 · 2 装卸台"]
    night.says(ZHAO, "罐区")
    night.film(ZHAO)
    [receipt] = [text for text in night.hears(ZHAO) if text.startswith("✅")]
    assert receipt == "✅ 收到 1124-0002\n甲化工 · 1 罐区\n发送时间 00:10，今晚 2/2\n今晚的部位都齐了，辛苦！"
    assert night.state("E001") == "on_time"


def test_a_line_of_the_menu_may_be_tapped(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.film(ZHAO)
    night.settle(6)
    night.hears(ZHAO)
    night.phone(ZHAO).taps("2 装卸台")
    night.settle()
    assert receipts(night) == ["甲化工 · 2 装卸台"]


def test_a_stranger_who_opens_the_chat_is_told_how_to_bind(night: Story) -> None:
    night.phone(ZHAO).enters()
    night.settle()
    [told] = night.hears(ZHAO)
    assert "绑定" in told
    night.film(ZHAO)
    [kept] = night.hears(ZHAO)
    assert kept.startswith("已收到 1124-0001，先替您保管")
    night.phone(ZHAO).enters()
    night.settle()
    assert night.hears(ZHAO) == []


def test_a_film_is_found_within_minutes_although_its_bell_was_lost(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.cloud.kf.notifies = False
    night.says(ZHAO, "罐区", settle=False)
    night.film(ZHAO, settle=False)
    night.settle(180)
    assert receipts(night) == ["甲化工 · 1 罐区"]
    assert night.part("E001", "1")["submissions"][0]["sent_at"].startswith("2026-11-24T00:10:00")


def test_a_night_that_we_slept_through_comes_right_by_the_instants_of_sending(tmp_path: Path) -> None:
    with kf_story(tmp_path, parts=1) as night:
        bound(night)
        night.cloud.kf.notifies = False
        days = [NIGHT + timedelta(days=days) for days in range(3)]
        for day in days:
            night.asleep("05:59:59", day)
            sent = night.phone(ZHAO).sends_film(film_bytes(12, f"film of {day}"))
            assert sent.statuses == []
        night.asleep("07:00", days[-1])
        night.bot.pollers.create_cursors()
        night.settle()
        assert [night.state("E001", day) for day in days] == ["on_time"] * 3
        assert [night.part("E001", "1", day)["submissions"][0]["marks"] for day in days] == [[], [], []]
        night.settle(30)
        night.hears(ZHAO)
        silent(night)


def test_no_wave_names_an_enterprise_while_a_notification_is_unanswered(tmp_path: Path) -> None:
    with kf_story(tmp_path, parts=1) as night:
        bound(night)
        night.time("01:36")
        night.cloud.faults.inject("kf/sync_msg", http_status=502, times=3)
        night.film(ZHAO)
        for second in range(37, 45):
            night.time(f"01:37:{second}")
        assert receipts(night) == ["甲化工 · 1 罐区"]
        assert night.group_hears("KEY") == []


def test_a_film_too_large_for_wechat_is_answered_with_what_to_do(night: Story) -> None:
    bound(night)
    night.phone(ZHAO).sends_film(bytes(10 * 1024 * 1024 + 1))
    night.settle()
    told, link = night.hears(ZHAO)
    assert told.startswith("⚠️ 这段视频太大")
    assert "https://patrol.example.org/upload/" in link
    assert night.view()["unattributed"] == []


def test_a_film_taken_back_stays_and_that_is_noted(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.says(ZHAO, "1")
    sent = night.film(ZHAO)
    night.phone(ZHAO).recalls(sent)
    night.settle()
    [film] = night.part("E001", "1")["submissions"]
    assert (film["state"], film["marks"]) == ("filed", ["recalled"])
    night.hears(ZHAO)


def test_what_the_platform_could_not_deliver_after_all_does_not_count_as_said(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.phone(ZHAO).customer.blocks_messages = True
    night.says(ZHAO, "1")
    night.film(ZHAO)
    night.settle(5)
    assert night.hears(ZHAO) == []
    assert {notice["state"] for notice in night.notices("receipt")} == {"failed"}


@pytest.mark.parametrize("kind", ["sends_photo", "sends_voice", "sends_file"])
def test_what_is_no_film_is_answered_too(night: Story, kind: str) -> None:
    bound(night)
    getattr(night.phone(ZHAO), kind)(b"\xff\xd8\xff no film")
    night.settle(6)
    assert len(night.hears(ZHAO)) == 1
    night.hears("staff")


def test_a_place_is_answered_and_danger_reaches_the_leader(night: Story) -> None:
    bound(night)
    night.phone(ZHAO).sends_location(30.0, 120.0, "罐区")
    night.settle()
    assert len(night.hears(ZHAO)) == 1
    night.says(ZHAO, "险情！罐区冒烟")
    assert "🚨" in night.hears(ZHAO)[0]
    assert any("赵师傅" in told for told in night.hears("leader"))
    with night.office() as store:
        for alert in store.alerts.unacknowledged(night.clock.now()):
            alert.acknowledged_at = night.clock.now()


def test_after_the_fifth_answer_films_are_filed_all_the_same(night: Story) -> None:
    bound(night)
    night.time("00:10")
    night.phone(ZHAO).customer.told = 5
    with night.bot.uow.read() as store:
        assert NoticeLog(store.session).counts_by_state()["sent"] == 1
    for number in range(2):
        night.says(ZHAO, f"{number + 1}")
        night.phone(ZHAO).customer.told = 5
        night.film(ZHAO)
    assert night.state("E001") == "on_time"
    night.hears(ZHAO)
    night.cloud.violations.clear()


def test_the_instant_of_sending_counts_whichever_door(tmp_path: Path) -> None:
    with kf_story(tmp_path, parts=1) as night:
        bound(night)
        night.time("06:00:01")
        silent(night)
        night.film(ZHAO, at=at("05:59:59"))
        assert night.state("E001") == "on_time"
        night.hears(ZHAO)
