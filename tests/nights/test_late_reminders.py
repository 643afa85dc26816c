"""Reminders that leave late or never by our own fault excuse the enterprises that they should have reached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.monitoring.outage_recorder import Heartbeat
from storage.db.models import Notice
from storage.outages import PROCESSING
from tests.harness import Story, at, story

ONE_WAVE = {"催报时间": "04:37", "值班提醒时间": "05:57"}


def quiet(night: Story) -> None:
    """Read the messages that this module is not about."""
    for who in ("leader", "backup", "staff", "h1", "h2", "p1", "p2"):
        night.hears(who)
    for group in night.groups():
        night.group_hears(group)


def told(night: Story) -> list[str]:
    """What the office hears about late reminders."""
    return [text for text in night.hears("staff") if "催报因本系统原因" in text]


def marks(night: Story) -> list[str]:
    return list(night.part("E001", "1")["submissions"][0]["marks"])


def robot_down(night: Story) -> None:
    """The group's robot was taken out of the group: the office has to act."""
    night.cloud.faults.inject("webhook/send", times=100, errcode=93000)


def test_a_reminder_that_never_left_excuses_what_is_sent_late(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE) as night:
        night.time("00:10")
        night.film("p2")
        robot_down(night)
        night.time("04:37")
        night.time("06:01")
        assert [text.endswith("：甲化工。还没报的请打电话。") for text in told(night)] == [True]
        assert night.state("E001") == "missing"
        night.film("p1", at=at("08:00"))
        assert (night.state("E001"), marks(night)) == ("on_time", ["reminder_late"])
        assert "不算迟报" in night.hears("p1")[-1]
        quiet(night)


def test_a_reminder_that_left_just_before_the_deadline_gives_the_agreed_extension(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE) as night:
        night.time("00:10")
        night.film("p2")
        night.time("04:30")
        with night.office() as store:
            Heartbeat(night.clock).beat(store, PROCESSING)
        night.asleep("05:50")
        with night.office() as store:
            Heartbeat(night.clock).beat(store, PROCESSING)
        night.settle()
        assert any("甲化工" in each.text for each in night.group_hears("KEY"))
        night.time("06:01")
        assert len(told(night)) == 1
        night.film("p1", at=at("06:19"))
        assert (night.state("E001"), marks(night)) == ("on_time", ["reminder_late"])
        quiet(night)


def test_what_comes_after_the_extension_is_late(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE) as night:
        night.time("00:10")
        night.film("p2")
        night.time("04:30")
        night.asleep("05:50")
        night.settle()
        night.time("06:30")
        night.film("p1")
        assert (night.state("E001"), marks(night)) == ("late", ["late"])
        quiet(night)


def test_a_film_that_was_filed_before_the_decision_loses_its_mark(tmp_path: Path) -> None:
    """The workers were away until after the deadline: films and the decision are handled in any order."""
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE) as night:
        night.time("00:10")
        night.film("p2")
        night.time("04:30")
        night.asleep("06:20")
        night.film("p1")
        assert (night.state("E001"), marks(night)) == ("on_time", ["reminder_late"])
        assert len(told(night)) == 1
        quiet(night)


def test_reminders_that_left_on_time_excuse_nobody(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE) as night:
        night.time("00:10")
        night.film("p2")
        night.time("06:01")
        assert told(night) == []
        night.film("p1")
        assert (night.state("E001"), marks(night)) == ("late", ["late"])
        quiet(night)


@pytest.mark.parametrize(("cause", "state"), [("left", "late"), ("settings", "on_time")])
def test_a_person_who_cannot_be_reached_is_not_our_fault(tmp_path: Path, cause: str, state: str) -> None:
    with story(tmp_path, enterprises=2, parts=1, rules=ONE_WAVE, in_group=False) as night:
        night.time("00:10")
        night.film("p2")
        night.time("04:37")
        with night.office() as store:
            failed = {"state": "failed", "cause": cause, "sent_at": None}
            direct = [each.id for each in store.session.scalars(select(Notice)) if "enterprise" in each.params]
            store.session.execute(update(Notice).where(Notice.id.in_(direct)).values(**failed))
        night.time("06:01")
        night.film("p1")
        assert night.state("E001") == state
        quiet(night)


def test_a_wave_that_was_held_back_excuses_nobody(tmp_path: Path) -> None:
    """So many were silent that a fault of ours was suspected; a real one is in the outage ledger."""
    with story(tmp_path, enterprises=2, parts=1, rules={**ONE_WAVE, "集体缺报阈值": "40%"}) as night:
        night.time("06:01")
        assert told(night) == []
        night.clock.instant += timedelta(minutes=1)
        night.film("p1")
        assert night.state("E001") == "late"
        quiet(night)
