"""Alerts: the ladder, its buttons, and what stops it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.db.models import Alert, Person
from tests.harness import NIGHT, Story, at, mobile_of, row, story

# Apprise loads all its plug-ins, some of which import what later Pythons no longer have.
of_apprise = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LADDER = ("leader", "backup", "staff")


@pytest.fixture
def mailbox() -> Iterator[tuple[str, list[str]]]:
    """A fallback address on the loopback: its Apprise URL, and what arrived there."""
    arrived: list[str] = []

    class Mailbox(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mailbox)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_address[1]}/", arrived
    server.shutdown()
    thread.join()
    server.server_close()


def quiet_group(night: Story) -> None:
    """The waves are not what these stories are about."""
    night.group_hears("KEY")


@of_apprise
def test_silence_climbs_the_ladder_to_the_fallback_addresses(tmp_path: Path, mailbox: tuple[str, list[str]]) -> None:
    address, arrived = mailbox
    with story(tmp_path, start="05:00", enterprises=2, parts=1, settings={"ALERT_FALLBACK_URLS": address}) as night:
        for who, before, then in zip(LADDER, ("05:06", "05:16", "05:26"), ("05:07", "05:17", "05:27"), strict=True):
            night.time(before)
            assert night.hears(who) == []
            night.time(then)
            card, text = night.hears(who)
            assert card.startswith("夜巡还有2家未报齐")
            assert text.startswith("🔔 11-24 夜巡：还有2家未报齐：甲化工、乙化工\n")
            assert "回复“已知悉”" in text
        assert arrived == []
        night.time("05:37")
        [fallback] = arrived
        assert "甲化工、乙化工" in fallback
        night.time("06:30")
        assert [(each["kind"], each["to"], each["state"]) for each in night.notices("escalation")][-1] == (
            "escalation",
            "后备通道",
            "sent",
        )
        assert len(night.notices("alert")) == 2, "the leader's card and text"


def test_without_fallback_addresses_it_is_on_record_that_they_were_tried(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:40")
        [night.hears(who) for who in LADDER]
        assert [(each["to"], each["state"]) for each in night.notices("escalation")][-1] == ("后备通道", "failed")


def test_the_card_names_its_alert_and_its_first_button_answers_it(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:17")
        night.hears("leader"), night.hears("backup")
        [card], [other] = night.cloud.phone("leader").cards, night.cloud.phone("backup").cards
        with night.bot.uow.read() as store:
            alert = store.session.query(Alert).one()
        assert card.task_id.startswith(f"alert-{alert.id}-")
        assert list(card.buttons.values()) == ["已知悉"]
        night.taps("leader", "已知悉")
        assert card.replacement_text == other.replacement_text == "李局 05:17 已知悉"
        night.time("06:00")


def test_who_presses_second_is_told_who_has_it(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:17")
        night.hears("leader"), night.hears("backup")
        backup = night.cloud.phone("backup")
        key = next(iter(backup.cards[-1].buttons))
        night.cloud.phone("leader").presses(night.cloud.phone("leader").cards[-1], key)
        backup.presses(backup.cards[-1], key)
        night.settle()
        assert night.hears("backup") == ["此事已由 李局 于 05:17 确认。"]
        assert night.hears("leader") == []


def test_a_text_answers_where_no_card_is_shown(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.cloud.members["leader"] = night.cloud.add_member("leader", "李局", shows_cards=False).member
        night.time("05:07")
        [text] = night.hears("leader")
        assert text.startswith("🔔")
        night.says("leader", "已知悉。")
        assert night.hears("leader") == ["已记下，由您负责，不再通知其他人。"]
        night.says("backup", "已知悉")
        assert night.hears("backup") == ["现在没有等您确认的提醒。"]
        night.time("06:00")


def test_an_alert_settles_itself_when_the_last_film_has_come(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:07")
        night.hears("leader")
        night.film("p1")
        night.hears("p1")
        night.time("06:30")
        with night.bot.uow.read() as store:
            assert store.session.query(Alert).one().closed_reason == "no films outstanding"


def test_a_film_that_proves_unfit_does_not_settle_an_alert(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:16")
        night.hears("leader")
        night.cloud.faults.inject("media/get", http_status=502)
        night.film("p1", seconds=3)
        night.bot.worker.run_tick()
        assert night.hears("backup") == []
        night.time("05:18")
        assert len(night.hears("p1")) == 1
        assert len(night.hears("backup")) == 2
        night.says("backup", "已知悉")
        night.hears("backup")


def test_a_film_in_question_at_the_hour_of_the_alert_only_puts_it_off(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.asleep("05:06:59")
        night.cloud.faults.inject("media/get", http_status=502)
        night.film("p1", seconds=3)
        night.clock.instant = at("05:07")
        night.bot.worker.run_tick()
        assert night.notices("alert") == []
        night.time("05:08")
        assert len(night.hears("p1")) == 1
        assert len(night.hears("leader")) == 2
        night.says("leader", "已知悉")
        night.hears("leader")


def test_when_all_are_silent_the_leader_hears_a_suspicion_and_no_names(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=4, parts=1, rules={"集体缺报阈值": "40%"}) as night:
        night.time("05:07")
        card, text = night.hears("leader")
        assert card.startswith("夜巡疑似收不到视频")
        assert "甲化工" not in card + text
        night.says("leader", "已知悉")
        night.hears("leader")


def test_danger_rings_at_once_and_its_sender_is_reassured(night: Story) -> None:
    night.time("02:10")
    quiet_group(night)
    night.says("p2", "险情！二号泵漏")
    card, text = night.hears("leader")
    assert card == f"🚨 险情 乙化工\n乙化工 乙化工巡检员（{mobile_of('乙化工巡检员')}）02:10 报：险情！二号泵漏"
    assert text.startswith(f"🚨 险情！乙化工 乙化工巡检员（{mobile_of('乙化工巡检员')}）02:10 报：“险情！二号泵漏”\n")
    assert night.hears("p2") == [
        f"🚨 02:10:00 已转值班领导 李局（{mobile_of('李局')}）。请先撤到安全距离，保持电话畅通！"
    ]
    night.taps("leader", "已知悉")
    assert night.hears("p2") == [
        f"🚨 李局（{mobile_of('李局')}） 02:10 已接警，正在处置。请保持安全距离，不要返回现场，保持电话畅通；"
        "有新情况请直接打电话，或发到这里。火警119，急救120。"
    ]
    night.time("02:39")


def test_danger_from_a_stranger_rings_too(night: Story) -> None:
    night.cloud.add_member("unknown")
    night.says("unknown", "有险情，罐区冒烟")
    assert night.hears("leader")[0].startswith("🚨 险情 未登记的人员\n")
    assert len(night.hears("unknown")) == 1
    night.taps("leader", "已知悉")
    assert "已接警" in night.hears("unknown")[0]


@pytest.mark.parametrize(
    "words", ["今晚无险情", "没有发现任何险情", "未发生险情", "无重大险情", "险情已解除", "没出现新的险情"]
)
def test_a_denied_danger_raises_no_alert(night: Story, words: str) -> None:
    night.says("p1", words)
    assert len(night.hears("p1")) == 1


@pytest.mark.parametrize("words", ["险情未解除", "无法排除险情", "没人，有险情", "险情，不是演习", "不能解除险情"])
def test_danger_said_in_a_roundabout_way_rings(night: Story, words: str) -> None:
    night.says("p1", words)
    assert len(night.hears("p1")) == 1
    assert len(night.hears("leader")) == 2
    night.says("leader", "已知悉")
    night.hears("leader"), night.hears("p1")


def test_more_words_join_the_same_danger_as_long_as_it_is_open(night: Story) -> None:
    night.time("02:00")
    quiet_group(night)
    night.says("p1", "险情 泵漏")
    night.hears("leader")
    night.taps("leader", "已知悉")
    night.clock.instant += timedelta(minutes=29)
    night.says("h1", "险情 火灭不了")
    assert night.hears("leader") == [
        f"🚨 甲化工 甲化工负责人（{mobile_of('甲化工负责人')}）02:29 又报：“险情 火灭不了”"
    ]
    night.says("leader", "已解除 火已扑灭")
    night.hears("leader")
    night.clock.instant += timedelta(minutes=2)
    night.says("h1", "险情 又起火")
    assert len(night.hears("leader")) == 2, "after it was resolved it is a danger of its own"
    night.taps("leader", "已知悉")
    assert (len(night.hears("p1")), len(night.hears("h1"))) == (3, 4)


def test_an_emergency_is_escalated_like_any_alert_until_a_person_answers(night: Story) -> None:
    night.time("02:00")
    quiet_group(night)
    night.says("p1", "险情")
    night.hears("p1")
    for who, then in zip(LADDER, ("02:00", "02:10", "02:20"), strict=True):
        night.time(then)
        assert len(night.hears(who)) == 2
    night.says("staff", "知悉")
    assert night.hears("staff") == [
        "已记下，由您负责，不再通知其他人。\n30分钟后会问处置情况；处置完毕请回复“已解除”加处置结果。"
    ]
    assert "王科" in night.hears("p1")[0]
    with night.bot.uow.read() as store:
        alert, staff = store.session.query(Alert).one(), row(store, Person, name="王科")
        assert (alert.acknowledged_by, alert.rung) == (staff.id, 2)
    night.time("02:49")


def test_a_stranger_cannot_answer_an_alert(night: Story) -> None:
    night.says("p1", "险情")
    night.hears("p1"), night.hears("leader")
    night.says("p2", "已知悉")
    assert night.hears("p2") == ["现在没有等您确认的提醒。"]
    with night.bot.uow.read() as store:
        assert store.session.query(Alert).one().acknowledged_at is None
    night.taps("leader", "已知悉")
    night.hears("p1")


@of_apprise
def test_without_people_to_alert_the_fallback_is_used(tmp_path: Path, mailbox: tuple[str, list[str]]) -> None:
    address, arrived = mailbox
    with story(tmp_path, roster=False, settings={"ALERT_FALLBACK_URLS": address}) as night:
        with night.office() as store:
            for name in ("李局", "赵局", "王科"):
                row(store, Person, name=name).active = False
        night.says("p1", "险情")
        [answer] = night.hears("p1")
        assert answer == "🚨 23:50:00 已上报。请先撤到安全距离，保持电话畅通，并立即拨打值班电话！"
        assert len(arrived) == 1


def test_an_unanswered_alert_is_closed_with_its_night(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("12:01")
        [night.hears(who) for who in LADDER]
        with night.bot.uow.read() as store:
            assert store.session.query(Alert).one().closed_reason == "night over"
        assert night.state("E001", NIGHT) == "missing"
