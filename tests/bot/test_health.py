"""Ready means: could receive, store, judge and remind right now. And what /metrics shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Timeouts
from bot.clock import wall_now
from bot.devtools.simulator import Cloud
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX
from schedules.completeness_check import COMPLETENESS_FACT
from storage.db.models import AccessToken, InboxRow, Notice, ReceivedText
from storage.outages import PROCESSING
from tests.bot.parts import Edge, run_edge
from tests.harness import HandClock
from tests.places import Place


@pytest.fixture
def edge(tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place) -> Iterator[Edge]:
    """A web process that started long ago: its workers should be there."""
    with run_edge(tmp_path, cloud, clock, timeouts=Timeouts(startup_grace_s=-1)) as edge:
        yield edge


def ready(edge: Edge) -> Any:
    answer = edge.client.get("/health/ready")
    assert (answer.status_code == 200) == (answer.json["problems"] == {})
    return answer.json


def record_worker_heartbeat(edge: Edge, executor_id: str, seconds_ago: float) -> None:
    at = (wall_now() - timedelta(seconds=seconds_ago)).isoformat()
    with edge.bot.uow.transaction() as store:
        store.facts.store_fact(WORKER_HEARTBEAT_PREFIX + executor_id, {"at": at})


def test_without_a_live_worker_the_service_is_not_ready(edge: Edge) -> None:
    record_worker_heartbeat(edge, "one", 31)
    assert list(ready(edge)["problems"]) == ["worker"]
    record_worker_heartbeat(edge, "one", 1)
    assert ready(edge)["problems"] == {}


def test_a_web_process_that_has_just_started_waits_for_its_workers(
    tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place
) -> None:
    with run_edge(tmp_path, cloud, clock, timeouts=Timeouts()) as edge:
        record_worker_heartbeat(edge, "one", 3600)
        answer = ready(edge)
        assert (answer["status"], "worker" in answer["warnings"]) == ("ok", True)


@pytest.fixture
def alive(edge: Edge) -> Edge:
    record_worker_heartbeat(edge, "one", -3600)
    return edge


def test_a_stalled_timetable_makes_the_service_unready(alive: Edge) -> None:
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(PROCESSING, alive.clock.now() - timedelta(seconds=14))
    assert ready(alive)["problems"] == {}
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(PROCESSING, alive.clock.now() - timedelta(seconds=40))
    assert ready(alive)["problems"] == {"timetable": "the timetable has not ticked for 40 s"}
    alive.clock.speed = 60.0
    assert ready(alive)["problems"] == {}


def test_a_message_that_waits_long_is_a_warning(alive: Edge) -> None:
    assert "waiting" not in ready(alive)["warnings"]
    values = {"channel": "wecom_app", "raw": "", "dispatched": True}
    with alive.bot.uow.transaction() as store:
        for number, minutes in enumerate((1, 6)):
            received_at = alive.clock.now() - timedelta(minutes=minutes)
            store.session.add(InboxRow(message_key=str(number), received_at=received_at, **values))
    answer = ready(alive)
    assert (answer["status"], answer["warnings"]["waiting"]) == ("ok", "2 messages wait, the oldest for 360 s")


def receive_text(edge: Edge, number: int, delay: timedelta) -> None:
    """A text that arrives now and was sent `delay` earlier by the platform's clock."""
    now = edge.clock.now()
    row = InboxRow(channel="wecom_app", message_key=f"text{number}", raw="", received_at=now, state="done")
    with edge.bot.uow.transaction() as store:
        store.session.add(row)
        store.session.flush()
        text = {"realm": "wecom", "sender": "zhangsan", "sent_at": now - delay, "text": "1"}
        store.session.add(ReceivedText(channel="wecom_app", message_key=f"text{number}", inbox_id=row.id, **text))


@pytest.mark.parametrize("minutes", [-30, 30])
def test_two_clocks_side_by_side_are_a_warning_that_names_both(alive: Edge, minutes: int) -> None:
    assert "clock" not in ready(alive)["warnings"]
    now, zone = alive.clock.now(), alive.bot.uow.zone
    receive_text(alive, 1, timedelta(minutes=minutes))
    warning = ready(alive)["warnings"]["clock"]
    assert (now - timedelta(minutes=minutes)).astimezone(zone).isoformat(timespec="seconds") in warning
    assert now.astimezone(zone).isoformat(timespec="seconds") in warning
    receive_text(alive, 2, timedelta(seconds=20))
    assert "clock" not in ready(alive)["warnings"]


def test_in_a_fast_rehearsal_a_message_may_be_on_its_way_for_seconds(alive: Edge) -> None:
    receive_text(alive, 1, timedelta(minutes=9))
    assert "clock" in ready(alive)["warnings"]
    alive.clock.speed = 60.0
    assert "clock" not in ready(alive)["warnings"]


def test_a_night_that_is_not_accounted_for_is_a_warning(alive: Edge) -> None:
    with alive.bot.uow.transaction() as store:
        store.facts.store_fact(COMPLETENESS_FACT, {"night": "2026-11-24", "ok": False})
    assert ready(alive)["warnings"]["audit"] == "the night of 2026-11-24 is not accounted for"


def read_metrics(edge: Edge) -> dict[str, float]:
    lines = edge.client.get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if line.startswith("patrol_"))
    return {name: float(value) for name, _, value in pairs}


def test_the_metrics_show_messages_notices_ticks_workers_and_tokens(alive: Edge) -> None:
    alive.cloud.phone("zhangsan").says("你好")
    alive.say("zhangsan")
    with alive.bot.uow.transaction() as store:
        store.outages.record_heartbeat(PROCESSING, alive.clock.now() - timedelta(seconds=3))
        expires = alive.clock.now() + timedelta(seconds=7000)
        store.session.add(AccessToken(name="wecom/x/app", value="SECRET", expires_at=expires))
    metrics = read_metrics(alive)
    assert metrics["patrol_messages_waiting"] == 1
    assert metrics['patrol_messages{state="waiting"}'] == 1
    assert metrics['patrol_notices{state="due"}'] == 1
    assert metrics["patrol_tick_lag_seconds"] == 3
    assert metrics["patrol_workers"] == 1
    assert metrics['patrol_token_remaining_seconds{name="wecom/x/app"}'] == 7000
    alive.settle()
    metrics = read_metrics(alive)
    assert metrics['patrol_messages{state="done"}'] == 1
    assert 'patrol_notices{state="due"}' not in metrics


def test_a_state_without_notices_leaves_the_metrics(edge: Edge) -> None:
    notice = edge.say("zhangsan")
    assert read_metrics(edge)['patrol_notices{state="due"}'] == 1
    with edge.bot.uow.transaction() as store:
        store.session.query(Notice).filter_by(id=notice).update({"state": "cancelled"})
    assert 'patrol_notices{state="due"}' not in read_metrics(edge)
