"""The morning's self-check: an outside monitor gets a heartbeat if everything due was done, and none otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from bot.app import record_heartbeat_setting
from schedules.completeness_check import COMPLETENESS_FACT
from storage.db.models import Decision, Notice
from tests.harness import NIGHT, Story, row, story
from tests.sites import site


@dataclass
class Watcher:
    """An outside watcher: what it was told, and what it answers."""

    told: list[tuple[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.told.append((request.method, request.get_data(as_text=True)))
        return Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@contextmanager
def watched(folder: Path, watcher: Watcher, **county: Any) -> Iterator[Story]:
    with (
        site(watcher) as outside,
        story(folder, settings={"HEARTBEAT_URL": f"{outside.url}/ping/KEY"}, **county) as night,
    ):
        night.every = timedelta(hours=1)
        record_heartbeat_setting(night.bot)
        yield night
        for who in night.cloud.members:
            night.hears(who)
        night.group_hears("KEY")


def all_film(night: Story, *who: str) -> None:
    night.time("00:30")
    for each in who:
        night.film(each)


def fact(night: Story) -> Any:
    with night.bot.uow.read() as store:
        return store.facts.read_fact(COMPLETENESS_FACT)


def decided(night: Story) -> str:
    with night.bot.uow.read() as store:
        return str(row(store, Decision, key=f"self-audit/{NIGHT}").outcome)


@pytest.mark.slow
def test_a_night_that_is_accounted_for_is_told_once(tmp_path: Path, watcher: Watcher) -> None:
    with watched(tmp_path, watcher, enterprises=3, parts=1) as night:
        all_film(night, "p1", "p2")
        night.time("07:36")
        assert watcher.told == []
        night.time("12:30")
        assert watcher.told == [
            (
                "POST",
                "夜巡 11-24 自查：应报 3 = 已判 3 + 停产免报 0；催报应到 3 轮、已办 3 轮，应发 3 条、已发 3 条；"
                "结果不明 0；日报已发出",
            )
        ]
        assert decided(night) == (
            "expected=3 judged=3 exempt=0 waves=3 waves_decided=3"
            " reminders_due=3 reminders_sent=3 unknown_outcomes=0 report_sent=1"
        )


def test_reminders_that_a_film_overtook_were_not_due(tmp_path: Path, watcher: Watcher) -> None:
    with watched(tmp_path, watcher, enterprises=1, parts=1) as night:
        all_film(night, "p1")
        with night.office() as store:
            group = store.register.groups()[0]
            notice = Notice(
                once_key="x",
                kind="reminder",
                night=NIGHT,
                recipient_name=group.name,
                channel="wecom_robot",
                address="KEY",
                route="x",
                form="text",
                text_key="x",
                params={},
                due_at=night.clock.now(),
                state="cancelled",
            )
            store.session.add(notice)
        night.time("08:00")
        assert len(watcher.told) == 1
        assert (fact(night)["reminders_due"], fact(night)["ok"]) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["unknown", "failed", "expired"])
def test_a_reminder_that_did_not_leave_keeps_the_watcher_waiting(tmp_path: Path, watcher: Watcher, state: str) -> None:
    with watched(tmp_path, watcher, enterprises=1, parts=1) as night:
        night.time("07:00")
        with night.office() as store:
            reminder = store.session.query(Notice).filter_by(kind="reminder").first()
            assert reminder is not None
            reminder.state = state
        night.time("13:00")
        assert watcher.told == []
        assert "reminders_sent=2" in decided(night)
        assert fact(night)["ok"] is False


def test_a_film_without_an_enterprise_keeps_the_night_open_until_it_is_attributed(
    tmp_path: Path, watcher: Watcher
) -> None:
    with watched(tmp_path, watcher, enterprises=1, parts=2) as night:
        night.time("00:30")
        night.film("p1")
        night.film("p1")
        night.says("p1", "1")
        night.time("08:30")
        assert (watcher.told, fact(night)["judged"]) == ([], 0)
        night.says("p1", "2")
        night.time("08:32")
        assert len(watcher.told) == 1


def test_a_wave_that_was_slept_through_is_found(tmp_path: Path, watcher: Watcher) -> None:
    with watched(tmp_path, watcher, enterprises=1, parts=1) as night:
        night.time("01:00")
        night.asleep("03:20")
        night.time("09:00")
        assert watcher.told == []
        assert (fact(night)["waves"], fact(night)["waves_decided"]) == (3, 2)


def test_a_watcher_that_does_not_answer_is_told_again_and_one_that_takes_only_get(
    tmp_path: Path, watcher: Watcher
) -> None:
    watcher.answers = [503, 405, 200]
    with watched(tmp_path, watcher, enterprises=1, parts=1) as night:
        all_film(night, "p1")
        night.time("08:00")
        for _ in range(3):
            night.settle(120)
        assert [method for method, _ in watcher.told] == ["POST", "POST", "GET"]
        [told] = [each for each in night.notices("system") if each["channel"] == "heartbeat"]
        assert (told["state"], told["to"]) == ("sent", "外部守望")
        assert "KEY" not in str(night.view())


def test_without_a_watcher_the_line_stands_on_record_and_nothing_is_sent(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        all_film(night, "p1")
        night.time("08:00")
        assert "judged=1" in decided(night)
        assert [each for each in night.notices("system") if each["channel"] == "heartbeat"] == []
        for who in ("p1", "leader", "backup", "staff"):
            night.hears(who)
