"""The worker: a tick that costs little, sweeping up without getting in the way, signs of life before work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot import clock
from bot.app import build_bot
from bot.clock import wall_now
from bot.devtools.simulator import Cloud
from bot.engine import DELIVER, TAKE_IN, InlineEngine, Job
from storage.db.database import Database
from storage.db.models import DutyShift, Employment, Enterprise, GroupChat, KeyPart, Person
from storage.store import Store
from tests.bot.parts import Edge
from tests.harness import NIGHT, HandClock, at, config_for
from tests.places import Place, here


def register(store: Store, enterprises: int, parts: int) -> None:
    """A county of any size, with its roster."""
    session = store.session
    group = GroupChat(name="群", robot_key="KEY")
    leader = Person(name="李局", roles=["值班领导"])
    session.add_all([group, leader])
    session.flush()
    for days in range(-2, 3):
        session.add(DutyShift(day=NIGHT + timedelta(days=days), post="leader", person_id=leader.id))
    for number in range(enterprises):
        found = Enterprise(
            code=f"E{number}", name=f"企业{number}", short_name=f"企{number}", group_id=group.id, status="生产"
        )
        person = Person(name=f"巡检{number}", roles=["巡检员"])
        session.add_all([found, person])
        session.flush()
        session.add(Employment(person_id=person.id, enterprise_id=found.id))
        session.add_all([KeyPart(enterprise_id=found.id, number=str(part), name="罐区") for part in range(parts)])
        store.register.bind(person.id, "wecom", f"p{number}", None)
    store.register.bind(leader.id, "wecom", "leader", None)


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def tick_of(folder: Path, cloud: Cloud, enterprises: int, hour: str) -> tuple[int, float]:
    """Queries of one tick in which nothing new is due, and its median time in seconds."""
    folder.mkdir()
    clock = HandClock(at("-22:00"))
    database = Database(here().migrated(folder))
    engine = InlineEngine()
    bot = build_bot(config_for(cloud, folder), database, clock, engine)
    with bot.uow.transaction() as store:
        store.facts.store_fact("born", {"at": at("-21:00").isoformat()})
        register(store, enterprises, 4)
    clock.instant = at(hour)
    bot.worker.run_tick()
    times = []
    with counting(database) as said:
        for _ in range(9):
            began = time.perf_counter()
            bot.worker.run_tick()
            times.append(time.perf_counter() - began)
    database.close()
    return len(said), sorted(times)[4]


@pytest.mark.parametrize("hour", ["-23:00", "01:00", "03:30", "05:30", "08:00"])
def test_a_tick_asks_the_same_number_of_questions_however_large_the_county(
    tmp_path: Path, cloud: Cloud, place: Place, hour: str
) -> None:
    small, _ = tick_of(tmp_path / "small", cloud, 3, hour)
    large, seconds = tick_of(tmp_path / "large", cloud, 75, hour)
    print(f"\ntick at {hour}: {large // 9} queries, {seconds * 1000:.1f} ms")  # noqa: T201 - asked for with -s
    assert large <= small + 9


# --- sweeping


def test_what_lies_with_the_engine_is_not_woken_again(here: Edge) -> None:
    """A film that takes a minute must not be fetched a second time meanwhile."""
    here.cloud.phone("zhangsan").says("你好")
    here.bot.uow.dispatch_inbox(1)
    here.say("zhangsan")
    here.clock.instant += timedelta(minutes=2)
    before = list(here.engine._waiting)
    here.bot.worker.requeue_lost_work()
    assert list(here.engine._waiting) == before


def test_what_the_engine_has_lost_is_woken(here: Edge) -> None:
    here.cloud.phone("zhangsan").says("你好")
    here.bot.uow.dispatch_inbox(1)
    here.say("zhangsan")
    here.engine._waiting.clear()
    here.bot.worker.requeue_lost_work()
    assert here.engine.take_over(set()) == set()
    here.clock.instant += timedelta(minutes=2)
    here.bot.worker.requeue_lost_work()
    assert {work for work, _ in here.engine.take_over(set())} == {TAKE_IN, DELIVER}
    here.settle()
    assert [each.state for each in here.inbox()] == ["done"]
    assert here.notices()[0].state == "sent"


def test_a_worker_gives_a_sign_of_life_before_it_works(here: Edge) -> None:
    """Else a worker that is already there would take its first jobs for those of a dead one."""
    seen: list[set[str]] = []
    start = here.engine.start

    def note(run: Any) -> None:
        with here.bot.uow.read() as store:
            seen.append(store.facts.heartbeats_since("executor/", wall_now() - timedelta(minutes=1)))
        start(run)

    here.engine.start = note  # type: ignore[method-assign]
    here.bot.worker.start()
    here.bot.worker.stop()
    assert seen == [{here.bot.config.EXECUTOR_ID}]


@pytest.mark.parametrize(("others", "state"), [(False, "sent"), (True, "sending")])
def test_a_lone_worker_knows_that_what_was_under_way_has_broken_off(
    here: Edge, monkeypatch: pytest.MonkeyPatch, others: bool, state: str
) -> None:
    here.say("zhangsan")
    monkeypatch.setattr("bot.delivery.deliver.Delivery._send", lambda self, attempt: None)
    here.settle()
    monkeypatch.undo()
    if others:
        with here.bot.uow.transaction() as store:
            store.facts.store_fact("executor/other", {"at": wall_now().isoformat()})
    here.bot.worker.start()
    here.bot.worker.stop()
    here.engine.start(here.bot.worker.run_job)
    with here.bot.uow.transaction() as store:
        store.jobs.append(Job(DELIVER, here.notices()[0].id, "r", "again"))
    here.settle()
    assert here.notices()[0].state == state


@pytest.mark.parametrize("at_start", [True, False])
def test_what_a_dead_worker_was_sending_is_free_at_once(
    here: Edge, monkeypatch: pytest.MonkeyPatch, at_start: bool
) -> None:
    """Its lease lasts for minutes, but whoever held it is known to be gone; what a living one sends is left alone."""
    dead, living = here.say("zhangsan"), here.say("lisi")
    monkeypatch.setattr("bot.delivery.deliver.Delivery._send", lambda self, attempt: None)
    here.settle()
    monkeypatch.setattr(here.engine, "orphaned_jobs", lambda alive: set() if "dead" in alive else {(DELIVER, dead)})
    with here.bot.uow.transaction() as store:
        store.facts.store_fact("executor/living", {"at": wall_now().isoformat()})
        store.facts.store_fact("executor/dead", {"at": (wall_now() - timedelta(seconds=31)).isoformat()})
    if at_start:
        here.bot.worker.start()
        here.bot.worker.stop()
    else:
        here.bot.worker.requeue_lost_work()
    free = {each.id for each in here.notices() if each.lease_until is not None and each.lease_until <= wall_now()}
    assert (free, living in free) == ({dead}, False)


def test_nothing_waits_for_a_clock_that_was_put_back(here: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was due a moment ago is due still; what is due later waits as before."""
    here.cloud.faults.inject("message/send", errcode=-1)
    tried, soon = here.say("zhangsan"), here.say("lisi")
    later = here.say("zhangsan", due_at=here.clock.instant + timedelta(minutes=5))
    here.engine.run_due(here.clock.instant)
    with here.bot.uow.transaction() as store:
        store.inbox.retry_now(wall_now())
    here.clock.instant -= timedelta(minutes=40)
    monkeypatch.setattr(here.bot.worker._watch, "backward_jump", lambda: timedelta(minutes=40))
    here.bot.worker.run_tick()
    monkeypatch.undo()
    here.engine.run_due(here.clock.instant)
    assert [here.notice(each).state for each in (tried, soon, later)] == ["sent", "sent", "due"]


@pytest.mark.parametrize(("back_s", "noticed"), [(2400, True), (2, False), (-2400, False)])
def test_a_clock_that_is_put_back_is_noticed(monkeypatch: pytest.MonkeyPatch, back_s: int, noticed: bool) -> None:
    watch = clock.ClockJumpDetector()
    assert watch.backward_jump() is None
    monkeypatch.setattr(clock, "wall_now", lambda: wall_now() - timedelta(seconds=back_s))
    assert (watch.backward_jump() is not None) == noticed
    assert watch.backward_jump() is None


def test_one_job_that_cannot_be_done_keeps_no_other_from_its_turn(here: Edge) -> None:
    here.bot.worker.run_tick()
    here.database.close()
    here.bot.worker.run_tick()
