"""Ready means: could receive, store, judge and remind right now. And what /metrics tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.clock import wall_now
from bot.monitoring import liveness
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX
from schedules.completeness_check import COMPLETENESS_FACT
from storage.db.models import AccessToken, InboxRow, Notice
from storage.outages import WORKING
from tests.bot.parts import Edge


@pytest.fixture(autouse=True)
def _long_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web has been up for a while, and its workers should be there."""
    monkeypatch.setattr(liveness, "_GRACE_S", -1)


def ready(here: Edge) -> Any:
    answer = here.client.get("/health/ready")
    assert (answer.status_code == 200) == (answer.json["problems"] == {})
    return answer.json


def sign(here: Edge, name: str, seconds_ago: float) -> None:
    with here.bot.uow.transaction() as store:
        store.facts.store_fact(
            WORKER_HEARTBEAT_PREFIX + name, {"at": (wall_now() - timedelta(seconds=seconds_ago)).isoformat()}
        )


def test_without_a_living_worker_nothing_would_be_judged_or_said(here: Edge) -> None:
    sign(here, "one", 31)
    assert list(ready(here)["problems"]) == ["worker"]
    sign(here, "one", 1)
    assert ready(here)["problems"] == {}


def test_a_web_that_has_just_started_waits_a_moment_for_its_workers(
    here: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(here, "one", 3600)
    monkeypatch.setattr(liveness, "_GRACE_S", 15)
    told = ready(here)
    assert (told["status"], "worker" in told["warnings"]) == ("ok", True)


@pytest.fixture
def alive(here: Edge) -> Edge:
    sign(here, "one", -3600)
    return here


def test_a_timetable_that_has_fallen_asleep_is_no_readiness(alive: Edge) -> None:
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(WORKING, alive.clock.now() - timedelta(seconds=14))
    assert ready(alive)["problems"] == {}
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(WORKING, alive.clock.now() - timedelta(seconds=40))
    assert ready(alive)["problems"] == {"timetable": "the timetable has not ticked for 40 s"}
    alive.clock.speed = 60.0
    assert ready(alive)["problems"] == {}


def test_what_has_waited_long_is_a_warning(alive: Edge) -> None:
    assert "waiting" not in ready(alive)["warnings"]
    heard = {"channel": "wecom_app", "raw": "", "dispatched": True}
    with alive.bot.uow.transaction() as store:
        for number, minutes in enumerate((1, 6)):
            when = alive.clock.now() - timedelta(minutes=minutes)
            store.session.add(InboxRow(message_key=str(number), received_at=when, **heard))
    told = ready(alive)
    assert (told["status"], told["warnings"]["waiting"]) == ("ok", "2 messages wait, the oldest for 360 s")


def test_a_night_that_is_not_accounted_for_is_a_warning(alive: Edge) -> None:
    with alive.bot.uow.transaction() as store:
        store.facts.store_fact(COMPLETENESS_FACT, {"night": "2026-11-24", "well": False})
    assert ready(alive)["warnings"]["audit"] == "the night of 2026-11-24 is not accounted for"


def measured(here: Edge) -> dict[str, float]:
    lines = here.client.get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("patrol_"))
    return {name: float(value) for name, _, value in pairs}


def test_the_figures_that_matter_are_measured(alive: Edge) -> None:
    alive.cloud.phone("zhangsan").says("你好")
    alive.say("zhangsan")
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(WORKING, alive.clock.now() - timedelta(seconds=3))
        expires = alive.clock.now() + timedelta(seconds=7000)
        store.session.add(AccessToken(name="wecom/x/app", value="SECRET", expires_at=expires))
    found = measured(alive)
    assert found["patrol_messages_waiting"] == 1
    assert found['patrol_messages{state="waiting"}'] == 1
    assert found['patrol_notices{state="due"}'] == 1
    assert found["patrol_tick_lag_seconds"] == 3
    assert found["patrol_workers"] == 1
    assert found['patrol_token_left_seconds{name="wecom/x/app"}'] == 7000
    alive.settle()
    found = measured(alive)
    assert found['patrol_messages{state="done"}'] == 1
    assert 'patrol_notices{state="due"}' not in found


def test_what_no_longer_is_does_not_stay_in_the_figures(here: Edge) -> None:
    notice = here.say("zhangsan")
    assert measured(here)['patrol_notices{state="due"}'] == 1
    with here.bot.uow.transaction() as store:
        store.session.query(Notice).filter_by(id=notice).update({"state": "cancelled"})
    assert 'patrol_notices{state="due"}' not in measured(here)
