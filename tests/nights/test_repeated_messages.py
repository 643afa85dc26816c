"""Messages repeated, reordered or sent at once by the platform are handled once, as if they had come in order."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.db.models import Employment, Enterprise, InboxRow, Person
from tests.harness import NIGHT, Story, at, film_bytes, row, story


def heard_of(night: Story, who: str) -> list[str]:
    """Which part each receipt names."""
    return [text.splitlines()[1] for text in night.hears(who) if "收到" in text]


def test_a_repeated_callback_is_heard_once(tmp_path: Path) -> None:
    with story(tmp_path, start="08:00", enterprises=1, parts=1) as night:
        sent = night.film("p1", settle=False)
        sent.repeat()
        night.settle()
        sent.repeat()
        night.settle()
        assert sent.statuses == [200, 200, 200]
        assert len(night.hears("p1")) == 1
        night.time("08:01", NIGHT + timedelta(days=1))
        night.group_hears("KEY")
        [night.hears(who) for who in ("leader", "backup", "staff")]
        sent.repeat()
        night.settle()
        assert night.hears("p1") == []
        assert len(night.part("E001", "1")["submissions"]) == 1


def test_a_repeated_press_is_heard_once(night: Story) -> None:
    night.film("p1")
    night.settle(6)
    night.hears("p1")
    card = night.cloud.phone("p1").cards[-1]
    pressed = night.cloud.phone("p1").presses(card, next(iter(card.buttons)))
    pressed.repeat()
    night.settle()
    assert len(night.hears("p1")) == 1


def test_one_message_id_used_by_two_people_is_two_messages(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        night.time("00:10")
        for who in ("p1", "p2"):
            night.cloud.phone(who).sends_raw({"Content": "1", "MsgId": "7300000000000000001"})
        night.settle()
        night.settle(6)
        assert [night.hears(who) for who in ("p1", "p2")] == [["好的，记下“1 罐区”。请发送这个部位的视频。"]] * 2


def test_two_films_within_one_second_are_two_films(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.time("00:10")
        for _ in range(2):
            night.film("p1", settle=False)
        night.settle()
        for word in ("1", "2"):
            night.says("p1", word)
        assert heard_of(night, "p1") == ["甲化工 · 1 罐区", "甲化工 · 2 装卸台"]
        assert night.state("E001") == "on_time"


# The second film comes before the first: the half of all orders in which one may take the other's word.
CROSSED = [order for order in itertools.permutations(range(4)) if order.index(2) < order.index(1)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), *CROSSED])
def test_in_whatever_order_callbacks_arrive_the_outcome_is_the_same(tmp_path: Path, order: tuple[int, ...]) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.asleep("00:20")
        says: Any = night.cloud.phone("p1").says
        film: Any = night.film
        sending = [
            lambda: says("1", at=at("00:10").timestamp()),
            lambda: film("p1", settle=False, at=at("00:10:30"), tag="first"),
            lambda: film("p1", settle=False, at=at("00:12"), tag="second"),
            lambda: says("2号", at=at("00:12:30").timestamp()),
        ]
        for turn in order:
            sending[turn]()
            night.settle()
        night.settle(6)
        night.hears("p1")
        shas = {number: [film["sha256"] for film in night.part("E001", number)["submissions"]] for number in "12"}
        assert [len(each) for each in shas.values()] == [1, 1]
        sent = [night.part("E001", number)["submissions"][0]["sent_at"] for number in "12"]
        assert sent == ["2026-11-24T00:10:30+08:00", "2026-11-24T00:12:00+08:00"]
        assert night.view()["unattributed"] == []


def test_a_message_of_an_unknown_kind_is_kept_and_answered(night: Story) -> None:
    night.cloud.phone("p1").sends_raw({"MsgType": "hologram", "Content": None})
    night.settle()
    assert night.hears("p1") == ["这种消息我看不了，已留存。巡检请直接发视频；有险情请发文字“险情”。"]
    with night.bot.uow.read() as store:
        [kept] = store.session.query(InboxRow).all()
        assert ("hologram" in kept.raw, kept.state) == (True, "done")


def test_a_film_the_platform_has_lost_is_asked_for_again(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:10")
        night.cloud.faults.inject("media/get", errcode=40007)
        night.film("p1")
        assert night.hears("p1") == ["⚠️ 1124-0001（00:10）没有从微信取到，文件已失效。请把视频再发一次。"]
        assert night.part("E001", "1")["submissions"][0]["state"] == "failed"
        night.film("p1")
        assert "✅ 收到 1124-0002" in night.hears("p1")[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"\x89PNG\r\n\x1a\n and so on", "打不开，不是视频"), (b"", "是空文件"), (None, "不完整，播放不到结尾")],
)
def test_what_cannot_be_played_is_kept_and_its_sender_told_what_to_do(
    tmp_path: Path, content: bytes | None, text: str
) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        whole = film_bytes(12, "cut")
        night.cloud.phone("p1").sends_film(whole[: len(whole) * 2 // 3] if content is None else content)
        night.settle()
        assert text in night.hears("p1")[0]
        [kept] = night.part("E001", "1")["submissions"]
        assert (kept["state"], bool(kept["object_key"])) == ("unfit", True)


def test_the_answer_to_a_question_that_is_no_longer_open_is_not_asked_again(night: Story) -> None:
    """The question waits a moment: a word that follows the film at once spares it."""
    night.time("00:10")
    night.film("p1")
    night.settle(3)
    night.says("p1", "2")
    night.settle(3)
    assert heard_of(night, "p1") == ["甲化工 · 2 装卸台"]
    assert {notice["state"] for notice in night.notices("question")} == {"cancelled"}


def test_a_part_that_does_not_exist_is_answered_with_those_that_do(night: Story) -> None:
    night.film("p1")
    night.says("p1", "9")
    night.settle(6)
    assert night.hears("p1")[0] == "没有“9”这个部位。贵单位的部位是：1 罐区、2 装卸台。请回复其中一个编号或名称。"
    night.hears("p1")


def test_a_word_that_no_film_follows_is_answered_and_holds_for_ten_minutes(night: Story) -> None:
    night.time("00:10")
    night.says("p1", "2")
    night.settle(6)
    assert night.hears("p1") == ["好的，记下“2 装卸台”。请发送这个部位的视频。"]
    night.time("00:20")
    night.film("p1")
    assert heard_of(night, "p1") == ["甲化工 · 2 装卸台"]
    night.says("p1", "1")
    night.settle(6)
    night.time("00:31")
    night.film("p1")
    night.settle(6)
    assert night.hears("p1")[-1].startswith("1124-0002（00:31）拍的是哪个部位？")


def test_a_word_said_for_one_enterprise_is_not_used_again_for_another(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2) as night:
        with night.office() as store:
            patroller, second = row(store, Person, name="甲化工巡检员"), row(store, Enterprise, code="E002")
            store.session.add(Employment(person_id=patroller.id, enterprise_id=second.id))
        night.time("00:10")
        night.says("p1", "甲化工1")
        night.film("p1")
        night.says("p1", "乙化工")
        night.film("p1")
        night.settle(6)
        assert heard_of(night, "p1") == ["甲化工 · 1 罐区"]
        [film] = night.view()["unattributed"]
        assert film["candidates"] == ["E002"]


def test_a_film_whose_word_proves_to_be_anothers_is_asked_about(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.asleep("00:20")
        night.says("p1", "1", at=at("00:10"))
        night.film("p1", at=at("00:12"))
        night.film("p1", at=at("00:10:30"))
        night.settle(6)
        assert heard_of(night, "p1") == ["甲化工 · 1 罐区", "甲化工 · 1 罐区"]
        assert [film["receipt"] for film in night.view()["unattributed"]] == ["1124-0001"]
        night.taps("p1", "2 装卸台")
        assert heard_of(night, "p1") == ["甲化工 · 2 装卸台"]
