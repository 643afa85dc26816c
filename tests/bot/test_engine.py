"""The engine: one suite over the durable and the inline one, and the traps of the library that end in it."""

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
from bot.engine import DELIVER, TAKE_IN, DbosEngine, Engine, InlineEngine, Job, retry_job
from bot.engine.dbos_engine import _AT_ONCE
from storage.db.database import Database
from storage.errors import DatabaseUnavailable
from tests.bot.parts import until
from tests.places import Place, embedded_only, here


@dataclass
class Bench:
    """An engine on a database, and what it has carried out."""

    database: Database
    engine: Engine
    carried: list[tuple[str, int]] = field(default_factory=list)
    act: Callable[[str, int], None] = lambda work, row_id: None
    now: datetime = datetime(2026, 11, 24, tzinfo=UTC)

    def run(self, work: str, row_id: int) -> None:
        try:
            self.act(work, row_id)
        finally:
            self.carried.append((work, row_id))

    def enqueue(self, *jobs: Job) -> None:
        with self.database.transaction() as session:
            self.engine.enqueue(session.connection(), jobs)

    def enqueue_and_break_off(self, *jobs: Job) -> None:
        with self.database.transaction() as session:
            self.engine.enqueue(session.connection(), jobs)
            raise ZeroDivisionError

    def comes_to(self, number: int) -> list[int]:
        """The rows carried out, once there are so many."""

        def enough() -> bool:
            self.drain()
            return len(self.carried) >= number

        until(enough)
        return [row_id for _, row_id in self.carried]

    def drain(self, later: timedelta = timedelta(0)) -> None:
        if isinstance(self.engine, InlineEngine):
            self.now += later
            with contextlib.suppress(ZeroDivisionError):
                self.engine.run_due(self.now)

    def rest(self) -> None:
        """Until the engine holds nothing more."""
        until(lambda: (self.drain(), self.engine.take_over({"me"}))[1] == set())


def theirs(session: Session, words: str) -> TextClause:
    """A statement over the engine's own tables, which lie in a schema of their own on a server."""
    schema = "dbos." if session.get_bind().dialect.name == "postgresql" else ""
    return text(re.sub(r"\bworkflow_(status|input|output)\b", rf"{schema}\g<0>", words))


def migrated(folder: Path) -> Database:
    database = Database(here().bare(folder))
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
    """There is one of it per process, and it takes seconds to start and to end."""
    with bench("durable", tmp_path_factory.mktemp("durable")) as made:
        yield made


@pytest.fixture
def durable(launched: Bench) -> Bench:
    """As if nothing had ever been carried out."""
    launched.rest()
    with launched.database.transaction() as session:
        for table in ("workflow_input", "workflow_output", "workflow_status"):
            session.execute(theirs(session, f"delete from {table}"))
    launched.carried.clear()
    launched.act = lambda work, row_id: None
    return launched


@pytest.fixture(params=["durable", "inline"])
def any_engine(module_place: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "durable":
        yield request.getfixturevalue("durable")
        return
    with bench("inline", tmp_path) as made:
        yield made


# --- both


def test_a_job_of_a_kept_transaction_is_carried_out_once(any_engine: Bench) -> None:
    any_engine.enqueue(Job(TAKE_IN, 1))
    assert any_engine.comes_to(1) == [1]
    any_engine.rest()
    assert any_engine.carried == [(TAKE_IN, 1)]


def test_a_job_of_a_transaction_that_is_undone_never_is(any_engine: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        any_engine.enqueue_and_break_off(Job(TAKE_IN, 1))
    any_engine.enqueue(Job(TAKE_IN, 2))
    assert any_engine.comes_to(1) == [2]
    any_engine.enqueue(Job(TAKE_IN, 1))
    assert any_engine.comes_to(2) == [2, 1]


def test_the_same_job_twice_is_one_and_another_try_is_another(any_engine: Bench) -> None:
    any_engine.enqueue(Job(TAKE_IN, 1), Job(TAKE_IN, 1))
    any_engine.enqueue(Job(TAKE_IN, 1))
    any_engine.enqueue(retry_job(TAKE_IN, 1, "", timedelta(0)))
    any_engine.comes_to(2)
    any_engine.rest()
    assert len(any_engine.carried) == 2


def test_a_delay_is_kept(any_engine: Bench) -> None:
    began = datetime.now(UTC)
    any_engine.enqueue(Job(DELIVER, 1, "lane", delay=timedelta(seconds=1.5)), Job(DELIVER, 2, "lane"))
    assert any_engine.comes_to(1) == [2]
    assert (DELIVER, 1) in any_engine.engine.take_over({"me"})
    any_engine.drain(timedelta(seconds=1.5))
    assert any_engine.comes_to(2) == [2, 1]
    assert isinstance(any_engine.engine, InlineEngine) or datetime.now(UTC) - began >= timedelta(seconds=1.5)


def test_a_lane_keeps_its_order_also_from_nine_to_ten(any_engine: Bench) -> None:
    any_engine.enqueue(*(Job(DELIVER, number, "lane") for number in range(5, 15)))
    assert any_engine.comes_to(10) == list(range(5, 15))


def test_a_job_that_raises_keeps_no_other_from_being_done(any_engine: Bench) -> None:
    def act(_work: str, row_id: int) -> None:
        if row_id == 1:
            raise ZeroDivisionError

    any_engine.act = act
    any_engine.enqueue(Job(DELIVER, 1, "lane"), Job(DELIVER, 2, "lane"), Job(DELIVER, 3, "other"))
    assert sorted(any_engine.comes_to(3)) == [1, 2, 3]
    any_engine.rest()


# --- the traps (building blocks, 1g)


def test_jobs_of_one_lane_never_overlap_and_lanes_do_not_wait_for_each_other(durable: Bench) -> None:
    """The first job of the even lane takes until everything of the odd lane is done."""
    release, inside, met = threading.Event(), [], []

    def act(_work: str, row_id: int) -> None:
        if row_id % 2 == 0:
            inside.append(row_id)
            release.wait(20)
            met.append(len(inside))
            inside.remove(row_id)

    durable.act = act
    durable.enqueue(*(Job(DELIVER, number, f"lane {number % 2}") for number in range(8)))
    assert durable.comes_to(4) == [1, 3, 5, 7]
    release.set()
    assert durable.comes_to(8)[4:] == [0, 2, 4, 6]
    assert met == [1, 1, 1, 1]


def test_no_more_is_under_way_at_once_than_agreed(durable: Bench) -> None:
    """Trap 8: 100 jobs would be 100 threads."""
    release, lock, inside, most = threading.Event(), threading.Lock(), set(), deque([0], maxlen=1)

    def act(_work: str, row_id: int) -> None:
        with lock:
            inside.add(row_id)
            most[0] = max(most[0], len(inside))
        release.wait(20)
        with lock:
            inside.discard(row_id)

    durable.act = act
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(60)))
    until(lambda: most[0] == _AT_ONCE[TAKE_IN])
    release.set()
    durable.comes_to(60)
    assert most[0] == _AT_ONCE[TAKE_IN]


def test_what_is_urgent_goes_before_all_that_waits(durable: Bench) -> None:
    release = threading.Event()
    durable.act = lambda work, row_id: release.wait(20) if row_id < _AT_ONCE[TAKE_IN] else None
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(_AT_ONCE[TAKE_IN])))
    until(lambda: pending(durable) == _AT_ONCE[TAKE_IN])
    durable.enqueue(*(Job(TAKE_IN, number) for number in range(100, 140)))
    durable.enqueue(Job(TAKE_IN, 200, urgent=True))
    release.set()
    done = durable.comes_to(_AT_ONCE[TAKE_IN] + 41)
    assert done.index(200) < _AT_ONCE[TAKE_IN] * 3


def test_what_is_stored_is_json_under_a_constant_version(durable: Bench) -> None:
    """Traps 3 and 1: a digest of the code would strand work, pickles would tie it to the code."""
    durable.enqueue(Job(TAKE_IN, 7))
    durable.comes_to(1)
    durable.rest()
    with durable.database.read() as session:
        found = session.execute(theirs(session, "select serialization, application_version from workflow_status")).one()
        given = session.execute(theirs(session, "select * from workflow_input")).mappings().one()
    assert tuple(found) == ("portable_json", "1")
    assert json.loads(given["inputs"])["positionalArgs"] == [7]


def test_work_of_an_older_program_without_a_version_is_taken_up(durable: Bench) -> None:
    durable.enqueue(Job(TAKE_IN, 7, delay=timedelta(seconds=0.2)))
    with durable.database.read() as session:
        assert (
            session.execute(theirs(session, "select distinct application_version from workflow_status")).scalar()
            is None
        )
    assert durable.comes_to(1) == [7]


def test_the_work_of_a_dead_executor_is_taken_over_and_of_a_living_one_is_not(durable: Bench) -> None:
    release = threading.Event()
    durable.act = lambda _work, row_id: (release.wait(20), None)[1] if row_id == 1 else None
    durable.enqueue(Job(TAKE_IN, 1))
    until(lambda: pending(durable))
    with durable.database.transaction() as session:
        session.execute(theirs(session, "update workflow_status set executor_id='gone' where status='PENDING'"))
    assert durable.engine.take_over({"me", "gone"}) == {(TAKE_IN, 1)}
    assert durable.carried == []
    assert (durable.engine.orphaned_jobs({"me", "gone"}), durable.engine.orphaned_jobs({"me"})) == (
        set(),
        {(TAKE_IN, 1)},
    )
    durable.act = lambda _work, row_id: None
    durable.engine.take_over({"me"})
    assert durable.comes_to(1) == [1]
    release.set()


def pending(made: Bench) -> int:
    with made.database.read() as session:
        return int(
            session.execute(theirs(session, "select count(*) from workflow_status where status='PENDING'")).scalar()
            or 0
        )


def test_what_was_finished_a_day_ago_is_forgotten(durable: Bench) -> None:
    """Trap 10."""
    durable.enqueue(Job(TAKE_IN, 1), Job(TAKE_IN, 2))
    durable.comes_to(2)
    durable.rest()
    with durable.database.transaction() as session:
        session.execute(
            theirs(session, "update workflow_status set created_at=created_at-90000000 where workflow_uuid like '%1/0'")
        )
    durable.engine.take_over({"me"})
    with durable.database.read() as session:
        assert session.execute(theirs(session, "select workflow_uuid from workflow_status")).scalars().all() == [
            Job(TAKE_IN, 2).id
        ]


def test_the_web_fails_at_once_when_the_database_is_gone(place: Place, tmp_path: Path) -> None:
    """Trap 5: the client of the library would wait for ever."""
    database = migrated(tmp_path)
    engine = DbosEngine(database, "web")
    with database.transaction() as session:
        session.execute(theirs(session, "alter table workflow_status rename to gone"))
    began = datetime.now(UTC)
    with pytest.raises(Exception, match="workflow_status"), database.transaction() as session:
        engine.enqueue(session.connection(), [Job(TAKE_IN, 1)])
    assert datetime.now(UTC) - began < timedelta(seconds=2)
    engine.stop()
    database.close()


@embedded_only
def test_a_locked_database_is_away_after_the_patience_asked_for(place: Place, tmp_path: Path) -> None:
    database, other = migrated(tmp_path), Database(here().bare(tmp_path))
    began = datetime.now(UTC)
    with other.transaction() as writing:
        writing.execute(text("create table t (id)"))
        with pytest.raises(DatabaseUnavailable), database.transaction(0.2) as waiting:
            waiting.execute(text("create table u (id)"))
    assert datetime.now(UTC) - began < timedelta(seconds=3)
    database.close()
    other.close()


@embedded_only
def test_both_engines_write_ahead_and_wait_for_the_disk(place: Place, tmp_path: Path) -> None:
    """Trap 9."""
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
    """Trap 1, and: two libraries in one process undo each other's locks on the file."""
    import sqlite3

    opened: list[object] = []
    with bench("inline", tmp_path) as made:
        real = sqlite3.connect
        sqlite3.connect = lambda *args, **how: opened.append(args) or real(*args, **how)  # type: ignore[assignment,func-returns-value]
        try:
            for engine in (made.database.engine, made.database.dbos_engine):
                assert engine.dialect.dbapi.__name__ == "pysqlite3.dbapi2" or "pysqlite3" in repr(engine.dialect.dbapi)
            durable.enqueue(Job(TAKE_IN, 1))
            durable.comes_to(1)
            durable.rest()
        finally:
            sqlite3.connect = real
    assert opened == []
