"""The worker: cheap ticks, requeueing of lost work, a heartbeat before the first job, and a clock put back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.app import build_bot
from bot.channels.interface import Channel, SendResult
from bot.clock import ClockJumpDetector, wall_now
from bot.devtools.simulator import Cloud
from bot.engine import DELIVER, TAKE_IN, InlineEngine, Job, JobRunner
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX, live_workers
from schedules.scheduler import Timetable, tick
from storage.db.database import Database
from storage.db.models import DutyShift, Employment, Enterprise, GroupChat, KeyPart, Person
from storage.store import Store
from tests.bot.parts import Edge, run_edge, until
from tests.harness import NIGHT, SHANGHAI, HandClock, at, config_for
from tests.places import Place, current_place


def register(store: Store, enterprises: int, parts: int) -> None:
    """Fill the register with a county of any size, with its roster."""
    session = store.session
    group = GroupChat(name="群", robot_key="KEY")
    leader = Person(name="李局", roles=["值班领导"])
    session.add_all([group, leader])
    session.flush()
    for days in range(-2, 3):
        session.add(DutyShift(day=NIGHT + timedelta(days=days), post="leader", person_id=leader.id))
    for number in range(enterprises):
        enterprise = Enterprise(
            code=f"E{number}", name=f"企业{number}", short_name=f"企{number}", group_id=group.id, status="生产"
        )
        person = Person(name=f"巡检{number}", roles=["巡检员"])
        session.add_all([enterprise, person])
        session.flush()
        session.add(Employment(person_id=person.id, enterprise_id=enterprise.id))
        session.add_all([KeyPart(enterprise_id=enterprise.id, number=str(part), name="罐区") for part in range(parts)])
        store.register.bind(person.id, "wecom", f"p{number}", None)
    store.register.bind(leader.id, "wecom", "leader", None)


@contextmanager
def recorded_statements(database: Database) -> Iterator[list[str]]:
    """The SQL statements executed within the block."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", record)


def measure_tick(folder: Path, cloud: Cloud, enterprises: int, hour: str) -> tuple[int, float]:
    """The statements of nine ticks in which nothing new is due, and the median time of one in seconds."""
    folder.mkdir()
    clock = HandClock(at("-22:00"))
    database = Database(current_place().migrated(folder))
    engine = InlineEngine()
    bot = build_bot(config_for(cloud, folder), database, clock, engine)
    with bot.uow.transaction() as store:
        store.facts.store_fact("service_started", {"at": at("-21:00").isoformat()})
        register(store, enterprises, 4)
    clock.instant = at(hour)
    bot.worker.run_tick()
    times = []
    with recorded_statements(database) as statements:
        for _ in range(9):
            started = time.perf_counter()
            bot.worker.run_tick()
            times.append(time.perf_counter() - started)
    database.close()
    return len(statements), sorted(times)[4]


@pytest.mark.slow
@pytest.mark.parametrize("hour", ["-23:00", "01:00", "03:30", "05:30", "08:00"])
def test_a_tick_takes_the_same_number_of_queries_however_large_the_county(
    tmp_path: Path, cloud: Cloud, place: Place, hour: str
) -> None:
    small, _ = measure_tick(tmp_path / "small", cloud, 3, hour)
    large, seconds = measure_tick(tmp_path / "large", cloud, 75, hour)
    print(f"\ntick at {hour}: {large // 9} queries, {seconds * 1000:.1f} ms")  # noqa: T201 - asked for with -s
    assert large <= small + 9


# --- requeueing


def test_a_job_that_the_engine_holds_is_not_enqueued_again(edge: Edge) -> None:
    """A film that takes a minute must not be fetched a second time meanwhile."""
    edge.cloud.phone("zhangsan").says("你好")
    edge.bot.uow.dispatch_inbox(1)
    edge.say("zhangsan")
    edge.clock.instant += timedelta(minutes=2)
    before = list(edge.engine.waiting)
    edge.bot.worker.requeue_lost_work()
    assert list(edge.engine.waiting) == before


def test_a_job_that_the_engine_has_lost_is_enqueued_again(edge: Edge) -> None:
    edge.cloud.phone("zhangsan").says("你好")
    edge.bot.uow.dispatch_inbox(1)
    edge.say("zhangsan")
    edge.engine.waiting.clear()
    edge.bot.worker.requeue_lost_work()
    assert edge.engine.take_over(set()) == set()
    edge.clock.instant += timedelta(minutes=2)
    edge.bot.worker.requeue_lost_work()
    assert {kind for kind, _ in edge.engine.take_over(set())} == {TAKE_IN, DELIVER}
    edge.settle()
    assert [each.state for each in edge.inbox()] == ["done"]
    assert edge.notices()[0].state == "sent"


# --- workers that died


class WatchedEngine(InlineEngine):
    """Looks at the database when it is started, and may know of orphans."""

    def __init__(self) -> None:
        super().__init__()
        self.on_start: Callable[[], None] = lambda: None
        self.orphans: set[tuple[str, int]] = set()

    def start(self, run: JobRunner) -> None:
        self.on_start()
        super().start(run)

    def orphaned_jobs(self, live_executors: set[str]) -> set[tuple[str, int]]:
        return set() if "dead" in live_executors else self.orphans


class ProcessKilled(BaseException):
    """The process ends in the middle of a call."""


class KilledWhileSending:
    """A channel in whose calls the process dies."""

    def __init__(self, channel: Channel) -> None:
        self.limits, self.dedupes_repeats = channel.limits, channel.dedupes_repeats
        self.counts_for_outage, self.personal_channel = channel.counts_for_outage, channel.personal_channel

    def send(self, *_: Any) -> SendResult:
        raise ProcessKilled


@pytest.fixture
def engine() -> WatchedEngine:
    return WatchedEngine()


@pytest.fixture
def edge(tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place, engine: WatchedEngine) -> Iterator[Edge]:
    with run_edge(tmp_path, cloud, clock, engine=engine) as edge:
        yield edge


def die_while_sending(edge: Edge) -> None:
    """Every notice that is due is left in `sending`."""
    senders = edge.bot.channels.senders
    working = senders["wecom_app"]
    senders["wecom_app"] = KilledWhileSending(working)
    while any(each.state == "due" for each in edge.notices()):
        with suppress(ProcessKilled):
            edge.settle()
    senders["wecom_app"] = working


def record_worker_heartbeat(edge: Edge, executor_id: str, seconds_ago: float = 0) -> None:
    at = (wall_now() - timedelta(seconds=seconds_ago)).isoformat()
    with edge.bot.uow.transaction() as store:
        store.facts.store_fact(WORKER_HEARTBEAT_PREFIX + executor_id, {"at": at})


def test_a_worker_sends_a_heartbeat_before_its_first_job(edge: Edge, engine: WatchedEngine) -> None:
    """Otherwise a worker that already runs would take over its first jobs as those of a dead one."""
    alive_at_start: list[set[str]] = []

    def look() -> None:
        with edge.bot.uow.read() as store:
            alive_at_start.append(live_workers(store))

    engine.on_start = look
    edge.bot.worker.start()
    edge.bot.worker.stop()
    assert alive_at_start == [{edge.bot.config.EXECUTOR_ID}]


@pytest.mark.parametrize(("others", "state"), [(False, "sent"), (True, "sending")])
def test_a_lone_worker_frees_every_lease_when_it_starts(edge: Edge, others: bool, state: str) -> None:
    edge.say("zhangsan")
    die_while_sending(edge)
    if others:
        record_worker_heartbeat(edge, "other")
    edge.bot.worker.start()
    edge.bot.worker.stop()
    edge.engine.start(edge.bot.worker.run_job)
    with edge.bot.uow.transaction() as store:
        store.jobs.append(Job(DELIVER, edge.notices()[0].id, "r", "again"))
    edge.settle()
    assert edge.notices()[0].state == state


@pytest.mark.parametrize("at_start", [True, False])
def test_the_leases_of_a_dead_worker_are_freed_at_once(edge: Edge, engine: WatchedEngine, at_start: bool) -> None:
    """A lease lasts for minutes, but its holder is known to be dead; a live worker's lease is left alone."""
    dead, living = edge.say("zhangsan"), edge.say("lisi")
    die_while_sending(edge)
    engine.orphans = {(DELIVER, dead)}
    record_worker_heartbeat(edge, "living")
    record_worker_heartbeat(edge, "dead", seconds_ago=31)
    if at_start:
        edge.bot.worker.start()
        edge.bot.worker.stop()
    else:
        edge.bot.worker.requeue_lost_work()
    free = {each.id for each in edge.notices() if each.lease_until is not None and each.lease_until <= wall_now()}
    assert (free, living in free) == ({dead}, False)


# --- the clock


def test_nothing_waits_for_a_clock_that_was_put_back(edge: Edge) -> None:
    """Notices that were due a moment ago stay due; later ones wait as before."""
    edge.cloud.faults.inject("message/send", errcode=-1)
    tried, soon = edge.say("zhangsan"), edge.say("lisi")
    later = edge.say("zhangsan", due_at=edge.clock.instant + timedelta(minutes=5))
    edge.engine.run_due(edge.clock.instant)
    with edge.bot.uow.transaction() as store:
        store.inbox.retry_now(wall_now())
    edge.clock.instant -= timedelta(minutes=40)
    edge.bot.worker.catch_up(timedelta(minutes=40))
    edge.engine.run_due(edge.clock.instant)
    assert [edge.notice(each).state for each in (tried, soon, later)] == ["sent", "sent", "due"]


def test_the_timetable_goes_on_after_the_clock_was_put_back() -> None:
    """APScheduler itself would wait until the clock has caught up; here the next call is an hour away."""
    calls: list[float] = []
    timetable = Timetable(lambda: calls.append(time.monotonic()), timedelta(hours=1), SHANGHAI)
    timetable.call_now(wall_now())
    until(lambda: calls)
    timetable.stop()
    assert len(calls) == 1


@pytest.mark.parametrize(("back_s", "detected"), [(2400, True), (2, False), (-2400, False)])
def test_a_clock_that_is_put_back_is_detected(back_s: int, detected: bool) -> None:
    offsets = [timedelta(0), timedelta(0), timedelta(seconds=back_s), timedelta(seconds=back_s)]
    detector = ClockJumpDetector(wall=lambda: wall_now() - offsets.pop(0))
    assert detector.backward_jump() is None
    assert (detector.backward_jump() is not None) == detected
    assert detector.backward_jump() is None


# --- a job of the timetable that fails


def test_a_failing_job_does_not_keep_the_others_from_running(edge: Edge) -> None:
    ran: list[str] = []

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    jobs = {"first": fail, "second": lambda *_: ran.append("second")}
    assert tick(edge.bot.uow.transaction, edge.bot.uow.zone, edge.clock.now(), jobs) == ["first"]
    assert ran == ["second"]
