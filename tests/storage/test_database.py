"""The database file: private, written ahead, one writer at a time, and DatabaseUnavailable when it cannot be used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.db.database import Database, after_commit
from storage.errors import DatabaseUnavailable
from storage.facts import FactStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/new/patrol.db")
    made.migrate()
    yield made
    made.close()


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("select count(*) from counter")).scalar() or 0)


def roll_back(database: Database, act: Callable[[Session], object]) -> None:
    """Do something in a transaction that is rolled back."""

    def failing() -> None:
        with database.transaction() as session:
            act(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()


def test_files_we_create_are_private(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        FactStore(session).next_number("x")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    rights = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert rights == {"patrol.db": 0o600, "patrol.db-wal": 0o600, "patrol.db-shm": 0o600}


def test_a_folder_and_a_file_that_were_there_keep_their_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "patrol.db").touch(0o644)
    (tmp_path / "patrol.db").chmod(0o644)
    Database(f"sqlite:///{tmp_path}/patrol.db").close()
    assert (tmp_path.stat().st_mode & 0o777, (tmp_path / "patrol.db").stat().st_mode & 0o777) == (0o755, 0o644)


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    roll_back(database, lambda session: FactStore(session).next_number("x"))
    assert count(database) == 0


def test_tables_created_in_a_rolled_back_transaction_are_gone(database: Database) -> None:
    roll_back(database, lambda session: session.execute(text("create table t (id)")))
    with database.read() as session:
        assert session.execute(text("select count(*) from sqlite_master where name='t'")).scalar() == 0


def test_a_transaction_inside_another_raises_at_once(database: Database) -> None:
    """It would wait for itself."""
    with database.transaction(), pytest.raises(RuntimeError, match="inside another"), database.transaction():
        pass
    with database.transaction() as session:
        assert FactStore(session).next_number("x") == 1


def test_reads_go_on_during_a_write(database: Database) -> None:
    with database.transaction() as session:
        FactStore(session).next_number("x")
        assert count(database) == 0
    assert count(database) == 1


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.read() as reading:
        before = reading.execute(text("select count(*) from counter")).scalar()
        with database.transaction() as session:
            FactStore(session).next_number("x")
        assert reading.execute(text("select count(*) from counter")).scalar() == before


def test_many_threads_over_two_databases_lose_no_number(database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/new/patrol.db")

    def number(turn: int) -> int:
        with (other if turn % 2 else database).transaction() as session:
            return FactStore(session).next_number("receipts")

    with ThreadPoolExecutor(12) as pool:
        found = sorted(pool.map(number, range(120)))
    other.close()
    assert found == list(range(1, 121))


def test_the_durable_engine_waits_for_our_writers_and_we_for_its(database: Database) -> None:
    inside, order = threading.Event(), []

    def durable() -> None:
        inside.wait(20)
        with database.dbos_engine.begin() as connection:
            connection.execute(text("insert into counter values ('durable', 1)"))
            order.append("durable")

    thread = threading.Thread(target=durable)
    thread.start()
    with database.transaction() as session:
        FactStore(session).next_number("x")
        inside.set()
        order.append("ours")
    thread.join()
    assert (order, count(database)) == (["ours", "durable"], 2)


def test_a_failed_transaction_of_the_durable_engine_frees_the_lock(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(IntegrityError), database.dbos_engine.begin() as connection:
            connection.execute(text("insert into counter values ('x', 1), ('x', 1)"))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: count_in_transaction(database)).result(timeout=10) == 0


def count_in_transaction(database: Database) -> int:
    with database.transaction(2) as session:
        return int(session.execute(text("select count(*) from counter")).scalar() or 0)


def test_a_violated_constraint_is_not_an_unavailable_database(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(text("insert into counter values ('x', 1), ('x', 1)"))


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "patrol.db").write_bytes(b"not a database, but long enough to look at" * 100)
    database = Database(f"sqlite:///{tmp_path}/patrol.db")
    with pytest.raises(DatabaseUnavailable):
        database.revision()
    database.close()


def test_a_commit_callback_runs_after_the_commit_or_never(database: Database) -> None:
    done: list[str] = []
    roll_back(database, lambda session: after_commit(session.connection(), lambda: done.append("rolled back")))
    with database.transaction() as session:
        after_commit(session.connection(), lambda: done.append("committed"))
        assert done == []
    with database.transaction() as session:
        FactStore(session).next_number("x")
    assert done == ["committed"]


def test_connections_return_to_the_pool(database: Database) -> None:
    for _ in range(60):
        with database.transaction() as session:
            FactStore(session).next_number("x")
        count(database)
        database.revision()
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
