"""The engine: one suite over the durable and the inline one, and the surprises of DBOS that are handled in it."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from bot import engine as engines
from bot.engine import DELIVER, TAKE_IN, DbosEngine, Engine, InlineEngine, Job, retry
from storage.db.database import Database
from storage.errors import DatabaseUnavailable
from storage.priority import Priority
from tests.bot.parts import until
from tests.places import Place, current_place, embedded_only

LIMIT = Job(TAKE_IN, 1).queue.concurrency


@dataclass
class Bench:
    """An engine on a database, and the jobs it has run."""

    database: Database
    engine: Engine
    ran: list[tuple[str, int]] = field(default_factory=list)
    act: Callable[[str, int], None] = lambda kind, row_id: None
    now: datetime = datetime(2026, 11, 24, tzinfo=UTC)

    def run(self, kind: str, row_id: int) -> None:
        try:
            self.act(kind, row_id)
        finally:
            self.ran.append((kind, row_id))

    def enqueue(self, *jobs: Job) -> None:
        with self.database.transaction() as session:
            self.engine.enqueue(session.connection(), jobs)

    def enqueue_and_roll_back(self, *jobs: Job) -> None:
        with self.database.transaction() as session:
            self.engine.enqueue(session.connection(), jobs)
            raise ZeroDivisionError

    def wait_for(self, count: int) -> list[int]:
        """The rows ran out, once there are so many."""

        def enough() -> bool:
            self.drain()
            return len(self.ran) >= count

        until(enough)
        return [row_id for _, row_id in self.ran]

    def drain(self, later: timedelta = timedelta(0)) -> None:
        if isinstance(self.engine, InlineEngine):
            self.now += later
            with contextlib.suppress(ZeroDivisionError):
                self.engine.run_due(self.now)

    def wait_until_idle(self) -> None:
        """Until the engine has no unfinished job."""
        until(lambda: (self.drain(), self.engine.take_over({"me"}))[1] == set())


def dbos_query(session: Session, query: str) -> TextClause:
    """A query over DBOS's tables, which are in a schema of their own on PostgreSQL."""
    schema = "dbos." if session.get_bind().dialect.name == "postgresql" else ""
    return text(re.sub(r"\bworkflow_(status|input|output)\b", rf"{schema}\g<0>", query))


def migrated(folder: Path) -> Database:
    database = Database(current_place().bare(folder))
    engines.migrate_engine_tables(database)
    database.migrate()
    return database


@contextlib.contextmanager
def bench(kind: str, folder: Path) -> Iterator[Bench]:
    database = migrated(folder)
    made = Bench(database, DbosEngine(database, "me") if kind == "durable" else InlineEngine())
    made.engine.start(made.run)
    try:
        yield made
    finally:
        made.engine.stop()
        if kind == "durable":
            DBOS.destroy(destroy_registry=True)
        database.close()


@pytest.fixture(scope="module")
def launched(module_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """DBOS allows one launch per process, and takes seconds to start and to end."""
    with bench("durable", tmp_path_factory.mktemp("durable")) as made:
        yield made


@pytest.fixture
def durable(launched: Bench) -> Bench:
    """As if no job had ever run."""
    launched.wait_until_idle()
    with launched.database.transaction() as session:
        for table in ("workflow_input", "workflow_output", "workflow_status"):
            session.execute(dbos_query(session, f"delete from {table}"))
    launched.ran.clear()
    launched.act = lambda kind, row_id: None
    return launched


@pytest.fixture(params=["durable", "inline"])
def any_engine(module_place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "durable":
        yield request.getfixturevalue("durable")
        return
    with bench("inline", tmp_path) as made:
        yield made


# --- both


def test_a_job_of_a_committed_transaction_runs_once(any_engine: Bench) -> None:
    any_engine.enqueue(Job(TAKE_IN, 1))
    assert any_engine.wait_for(1) == [1]
    any_engine.wait_until_idle()
    assert any_engine.ran == [(TAKE_IN, 1)]


def test_a_job_of_a_rolled_back_transaction_never_runs(any_engine: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        any_engine.enqueue_and_roll_back(Job(TAKE_IN, 1))
    any_engine.enqueue(Job(TAKE_IN, 2))
    assert any_engine.wait_for(1) == [2]
    any_engine.enqueue(Job(TAKE_IN, 1))
    assert any_engine.wait_for(2) == [2, 1]


def test_the_same_job_twice_runs_once_and_a_retry_runs_again(any_engine: Bench) -> None:
    any_engine.enqueue(Job(TAKE_IN, 1), Job(TAKE_IN, 1))
    any_engine.enqueue(Job(TAKE_IN, 1))
    any_engine.enqueue(retry(Job(TAKE_IN, 1), timedelta(0)))
    any_engine.wait_for(2)
    any_engine.wait_until_idle()
    assert len(any_engine.ran) == 2


def test_a_delayed_job_waits_for_its_delay(any_engine: Bench) -> None:
    started = datetime.now(UTC)
    any_engine.enqueue(Job(DELIVER, 1, "partition", delay=timedelta(seconds=1.5)), Job(DELIVER, 2, "partition"))
    assert any_engine.wait_for(1) == [2]
    assert (DELIVER, 1) in any_engine.engine.take_over({"me"})
    any_engine.drain(timedelta(seconds=1.5))
    assert any_engine.wait_for(2) == [2, 1]
    assert isinstance(any_engine.engine, InlineEngine) or datetime.now(UTC) - started >= timedelta(seconds=1.5)


def test_a_partition_runs_in_order_also_from_nine_to_ten(any_engine: Bench) -> None:
    any_engine.enqueue(*(Job(DELIVER, number, "partition") for number in range(5, 15)))
    assert any_engine.wait_for(10) == list(range(5, 15))


def test_a_job_that_raises_does_not_stop_the_others(any_engine: Bench) -> None:
    def act(_kind: str, row_id: int) -> None:
        if row_id == 1:
            raise ZeroDivisionError

    any_engine.act = act
    any_engine.enqueue(Job(DELIVER, 1, "partition"), Job(DELIVER, 2, "partition"), Job(DELIVER, 3, "other"))
    assert sorted(any_engine.wait_for(3)) == [1, 2, 3]
    any_engine.wait_until_idle()


# --- what DBOS does differently by default


def test_jobs_of_one_partition_never_overlap_and_partitions_do_not_wait_for_each_other(durable: Bench) -> None:
    """The first job of the even partition takes until everything of the odd partition is done."""
    release, inside, met = threading.Event(), [], []

    def act(_kind: str, row_id: int) -> None:
        if row_id % 2 == 0:
            inside.append(row_id)
            release.wait(20)
            met.append(len(inside))
            inside.remove(row_id)

    durable.act = act
    durable.enqueue(*(Job(DELIVER, number, f"partition {number % 2}") for number in range(8)))
    assert durable.wait_for(4) == [1, 3, 5, 7]
    release.set()
    assert durable.wait_for(8)[4:] == [0, 2, 4, 6]
    assert met == [1, 1, 1, 1]


def test_no_more_jobs_run_at_once_than_the_queue_allows(durable: Bench) -> None:
    """By default 100 jobs are 100 threads."""
    release, lock, inside, most = threading.Event(), threading.Lock(), set(), deque([0], maxlen=1)

    def act(_kind: str, row_id: int) -> None:
        with lock:
            inside.add(row_id)
            most[0] = max(most[0], len(inside))
        release.wait(20)
        with lock:
            inside.discard(row_id)

    durable.act = act
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(60)))
    until(lambda: most[0] == LIMIT)
    release.set()
    durable.wait_for(60)
    assert most[0] == LIMIT


def test_an_urgent_job_goes_before_all_that_wait(durable: Bench) -> None:
    release = threading.Event()
    durable.act = lambda kind, row_id: release.wait(20) if row_id < LIMIT else None
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(LIMIT)))
    until(lambda: pending(durable) == LIMIT)
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(100, 140)))
    durable.enqueue(Job(TAKE_IN, 200, priority=Priority.EMERGENCY))
    release.set()
    done = durable.wait_for(LIMIT + 41)
    assert done.index(200) < LIMIT * 3


def test_jobs_are_stored_as_json_under_a_constant_version(durable: Bench) -> None:
    """By default the version is a digest of the code, which strands jobs, and their input is pickled."""
    durable.enqueue(Job(TAKE_IN, 7))
    durable.wait_for(1)
    durable.wait_until_idle()
    with durable.database.read() as session:
        row = session.execute(
            dbos_query(session, "select serialization, application_version from workflow_status")
        ).one()
        input_row = session.execute(dbos_query(session, "select * from workflow_input")).mappings().one()
    assert tuple(row) == ("portable_json", "1")
    assert json.loads(input_row["inputs"])["positionalArgs"] == [7]


def test_a_job_without_a_version_is_run(durable: Bench) -> None:
    durable.enqueue(Job(TAKE_IN, 7, delay=timedelta(seconds=0.2)))
    with durable.database.read() as session:
        assert (
            session.execute(dbos_query(session, "select distinct application_version from workflow_status")).scalar()
            is None
        )
    assert durable.wait_for(1) == [7]


def test_the_jobs_of_a_dead_executor_are_taken_over_and_those_of_a_live_one_are_not(durable: Bench) -> None:
    release = threading.Event()
    durable.act = lambda _kind, row_id: (release.wait(20), None)[1] if row_id == 1 else None
    durable.enqueue(Job(TAKE_IN, 1))
    until(lambda: pending(durable))
    with durable.database.transaction() as session:
        session.execute(dbos_query(session, "update workflow_status set executor_id='gone' where status='PENDING'"))
    assert durable.engine.take_over({"me", "gone"}) == {(TAKE_IN, 1)}
    assert durable.ran == []
    assert (durable.engine.orphaned_jobs({"me", "gone"}), durable.engine.orphaned_jobs({"me"})) == (
        set(),
        {(TAKE_IN, 1)},
    )
    durable.act = lambda _kind, row_id: None
    durable.engine.take_over({"me"})
    assert durable.wait_for(1) == [1]
    release.set()


def pending(made: Bench) -> int:
    with made.database.read() as session:
        return int(
            session.execute(dbos_query(session, "select count(*) from workflow_status where status='PENDING'")).scalar()
            or 0
        )


def test_a_job_finished_a_day_ago_is_deleted(durable: Bench) -> None:
    """DBOS keeps finished jobs for ever."""
    durable.enqueue(Job(TAKE_IN, 1), Job(TAKE_IN, 2))
    durable.wait_for(2)
    durable.wait_until_idle()
    with durable.database.transaction() as session:
        session.execute(
            dbos_query(
                session, "update workflow_status set created_at=created_at-90000000 where workflow_uuid like '%1/0'"
            )
        )
    durable.engine.take_over({"me"})
    with durable.database.read() as session:
        assert session.execute(dbos_query(session, "select workflow_uuid from workflow_status")).scalars().all() == [
            Job(TAKE_IN, 2).id
        ]


def test_enqueueing_fails_at_once_when_the_database_is_unavailable(place: Place, tmp_path: Path) -> None:
    """By default DBOS's client waits for ever."""
    database = migrated(tmp_path)
    engine = DbosEngine(database, "web")
    with database.transaction() as session:
        session.execute(dbos_query(session, "alter table workflow_status rename to gone"))
    started = datetime.now(UTC)
    with pytest.raises(Exception, match="workflow_status"), database.transaction() as session:
        engine.enqueue(session.connection(), [Job(TAKE_IN, 1)])
    assert datetime.now(UTC) - started < timedelta(seconds=2)
    engine.stop()
    database.close()


@embedded_only
def test_a_locked_database_is_unavailable_after_the_given_timeout(place: Place, tmp_path: Path) -> None:
    database, other = migrated(tmp_path), Database(current_place().bare(tmp_path))
    started = datetime.now(UTC)
    with other.transaction() as writing:
        writing.execute(text("create table t (id)"))
        with pytest.raises(DatabaseUnavailable), database.transaction(0.2) as waiting:
            waiting.execute(text("create table u (id)"))
    assert datetime.now(UTC) - started < timedelta(seconds=3)
    database.close()
    other.close()


@embedded_only
def test_both_database_engines_write_ahead_and_sync(place: Place, tmp_path: Path) -> None:
    database = migrated(tmp_path)
    for engine in (database.engine, database.dbos_engine):
        with engine.connect() as connection:
            found = [
                connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
        assert found == ["wal", 2, 1, 30000]
    database.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own SQLite is new enough")
@pytest.mark.parametrize("module_place", ["embedded"], indirect=True)
def test_only_one_sqlite_library_opens_the_file(durable: Bench, tmp_path: Path) -> None:
    """Two SQLite libraries in one process undo each other's locks on the file."""
    import sqlite3

    opened: list[object] = []
    with bench("inline", tmp_path) as made:
        real = sqlite3.connect
        sqlite3.connect = lambda *args, **how: opened.append(args) or real(*args, **how)  # type: ignore[assignment,func-returns-value]
        try:
            for engine in (made.database.engine, made.database.dbos_engine):
                assert engine.dialect.dbapi.__name__ == "pysqlite3.dbapi2" or "pysqlite3" in repr(engine.dialect.dbapi)
            durable.enqueue(Job(TAKE_IN, 1))
            durable.wait_for(1)
            durable.wait_until_idle()
        finally:
            sqlite3.connect = real
    assert opened == []
