"""Films posted in the group and read from the chat archive are filed as any other and answered in private."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.archive import Archive
from tests.harness import NIGHT, County, Story, at, film_bytes, story
from tests.standin import archive, settings

ROOM, ZHAO = "wrWorkGroup", "wmZhao"


@contextmanager
def overheard(folder: Path, **county: Any) -> Iterator[tuple[Story, Archive]]:
    """One enterprise whose group is archived; customer service is open too."""
    tapes: list[Archive] = []

    def open_doors(cloud: Cloud) -> dict[str, str]:
        tapes.append(archive(cloud, folder))
        cloud.add_customer(ZHAO, "赵师傅")
        return {**cloud.kf.settings(), **settings(tapes[0])}

    with story(folder, settings=open_doors, **{"enterprises": 1, **county}) as night:
        yield night, tapes[0]
        assert tapes[0].violations == []


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Story, Archive]]:
    with overheard(tmp_path) as played:
        yield played


def post(night: Story, tape: Archive, who: str, tag: str = "film", settle: bool = True, **how: Any) -> str:
    """A member posts a film in the group."""
    msgid = tape.sends_film(who, ROOM, film_bytes(12, tag), **how)
    if settle:
        night.settle(1)
    return msgid


def say(night: Story, tape: Archive, who: str, text: str) -> None:
    tape.says(who, ROOM, text)
    night.settle(16)


def receipts(said: list[str]) -> list[str]:
    return [text.splitlines()[1] for text in said if text.startswith("✅")]


def test_a_film_in_the_group_with_a_word_beside_it_is_filed_and_answered_in_private(
    both: tuple[Story, Archive],
) -> None:
    night, tape = both
    night.time("00:10")
    say(night, tape, "p1", "装卸台")
    post(night, tape, "p1")
    night.settle(16)
    assert receipts(night.hears("p1")) == ["甲化工 · 2 装卸台"]
    [film] = night.part("E001", "2")["submissions"]
    assert (film["chat"], film["sender"], film["sent_at"][:16]) == (ROOM, "p1", "2026-11-24T00:10")
    assert night.group_hears("KEY") == []


def test_talk_in_the_group_is_not_answered(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("00:10")
    for who, text in (("p1", "收到"), ("h1", "今天谁值班"), ("nobody", "帮助"), ("staff", "学习险情处置")):
        say(night, tape, who, text)
    post(night, tape, "staff")
    night.settle(16)
    assert [film["sender"] for film in night.view()["quarantined"]] == ["staff"]


def test_danger_in_the_group_reaches_the_leader_while_it_is_fresh(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("01:00")
    tape.says("p1", ROOM, "险情！储罐冒烟", at=at("-20:00").timestamp())
    night.settle(16)
    assert night.hears("leader") == []
    say(night, tape, "p1", "险情！泵房漏料")
    assert any("泵房漏料" in told for told in night.hears("leader"))
    assert "🚨" in night.hears("p1")[0]
    with night.office() as store:
        for alert in store.alerts.unacknowledged(night.clock.now()):
            alert.acknowledged_at = night.clock.now()


def test_a_film_posted_and_sent_besides_is_heard_once(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("00:10")
    night.says("p1", "1")
    post(night, tape, "p1", "the same")
    night.settle(16)
    assert receipts(night.hears("p1")) == ["甲化工 · 1 罐区"]
    night.film("p1", tag="the same")
    night.settle(6)
    assert (night.hears("p1"), len(night.part("E001", "1")["submissions"])) == ([], 1)


def test_sent_first_and_posted_after_is_heard_once_too(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("00:10")
    night.says("p1", "1")
    night.film("p1", tag="the same")
    assert receipts(night.hears("p1")) == ["甲化工 · 1 罐区"]
    post(night, tape, "p1", "the same")
    night.settle(16)
    assert (night.hears("p1"), len(night.part("E001", "1")["submissions"])) == ([], 1)


def test_whom_no_door_reached_is_answered_when_he_sends_it_besides(tmp_path: Path) -> None:
    with overheard(tmp_path, parts=1) as (night, tape):
        with night.office() as store:
            zhao = County(store, night.cloud).person("赵师傅", ["巡检员"], None, "E001")
            store.register.bind(zhao.id, "wecom_kf", ZHAO, None)
        night.time("00:10")
        post(night, tape, ZHAO, "the same")
        night.settle(16)
        assert (night.hears(ZHAO), night.state("E001")) == ([], "on_time")
        night.film(ZHAO, tag="the same")
        assert receipts(night.hears(ZHAO)) == ["甲化工 · 1 罐区"]
        assert len(night.part("E001", "1")["submissions"]) == 2
        assert night.view()["counts"]["on_time"] == 1
        # WeChat's window had not been opened by any word of his.
        night.cloud.violations.clear()


def test_the_past_of_the_archive_is_taken_in_without_a_word(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("02:00")
    tape.says("p1", ROOM, "罐区", at=at("00:10", NIGHT.replace(day=22)).timestamp())
    post(night, tape, "p1", at=at("00:11", NIGHT.replace(day=22)).timestamp())
    night.settle(16)
    assert night.part("E001", "1", NIGHT.replace(day=22))["submissions"][0]["state"] == "filed"
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_a_short_film_in_the_group_is_told_to_its_sender(both: tuple[Story, Archive]) -> None:
    night, tape = both
    night.time("00:10")
    tape.sends_film("p1", ROOM, film_bytes(4, "short"))
    night.settle(16)
    [told] = night.hears("p1")
    assert "不足10秒" in told
