"""The database: one engine for our rows, one on the same file or server for the durable engine.

SQLite runs with WAL and synchronous=FULL, every write in BEGIN IMMEDIATE behind one lock for the whole process:
waiting for the lock instead of polling a busy file keeps the slowest callback fast.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection, TextClause, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from storage.db import sqlite_dialect
from storage.db.migration_runner import Migrations
from storage.db.raw_statements import BUSY_TIMEOUT_S, RawStatements
from storage.db.write_lock import WriteLock
from storage.errors import DatabaseUnavailable, SchemaMismatch

WRITE_TIMEOUT_S = 30.0
"""How long a writer waits for the others."""
_OUTAGE_ERRORS = ("OperationalError", "InterfaceError", "InternalError", "DatabaseError")
_BEFORE_COMMIT = "before_commit"
_DRIVERS = ("psycopg", "pysqlite3", "sqlite3")


class Database:
    """Where the rows live. `url` is an SQLAlchemy address of SQLite or PostgreSQL."""

    def __init__(self, url: str, migrations: Migrations | None = None) -> None:
        self.url, self._migrations = make_url(url), migrations or Migrations()
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.driver_url = self.url.set(drivername=sqlite_dialect.DRIVER) if self.is_sqlite else self.url
        self._write_lock, self._thread = WriteLock(), threading.local()
        if self.is_sqlite and self.url.database:
            _create_private(Path(self.url.database))
        self.engine = self._sqlite_engine(explicit_begin=True) if self.is_sqlite else self._postgresql_engine()
        self._writers: dict[float, Engine] = {}
        # On PostgreSQL each statement would otherwise see what was committed a moment before it.
        snapshot = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**snapshot)
        self.raw_statements = self._raw_statements()
        self.dbos_engine = self._sqlite_engine(explicit_begin=False) if self.is_sqlite else self._postgresql_engine()

    def _raw_statements(self) -> RawStatements:
        """Over connections of their own: on SQLite these wait for other processes in another way than all others."""
        if self.is_sqlite:
            return RawStatements(self._sqlite_engine(explicit_begin=True, timeout_s=BUSY_TIMEOUT_S), BUSY_TIMEOUT_S)
        options = {"isolation_level": "AUTOCOMMIT", "pool_pre_ping": False, "pool_reset_on_return": None}
        return RawStatements(self._postgresql_engine(**options))

    def _postgresql_engine(self, **options: Any) -> Engine:
        defaults = {"pool_size": 20, "pool_pre_ping": True, "pool_timeout": 10, "hide_parameters": True}
        return create_engine(self.driver_url, **{**defaults, **options})

    def _sqlite_engine(self, *, explicit_begin: bool, timeout_s: float = WRITE_TIMEOUT_S) -> Engine:
        timeout = {"timeout": WRITE_TIMEOUT_S}
        engine = create_engine(self.driver_url, pool_size=20, connect_args=timeout, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None if explicit_begin else "IMMEDIATE"
            for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", _busy_timeout(timeout_s)):
                connection.execute(f"PRAGMA {pragma}")

        if explicit_begin:
            event.listen(engine, "begin", _begin)
        else:
            self._lock_whole_transactions(engine)
        return engine

    def _lock_whole_transactions(self, engine: Engine) -> None:
        """The durable engine opens its own transactions: each waits for the write lock."""
        event.listen(engine, "begin", lambda _connection: self._write_lock.acquire())
        event.listen(engine, "commit", lambda _connection: self._write_lock.release())
        event.listen(engine, "rollback", lambda _connection: self._write_lock.release())

    def _writer(self, timeout_s: float) -> Engine:
        if timeout_s not in self._writers:
            options = {"patrol_writes": True, "patrol_timeout_s": timeout_s}
            self._writers[timeout_s] = self.engine.execution_options(**options)
        return self._writers[timeout_s]

    @contextmanager
    def write(self, timeout_s: float = WRITE_TIMEOUT_S, *, priority: bool = False) -> Iterator[Connection]:
        """One writing transaction over a bare connection. Raises DatabaseUnavailable.

        `timeout_s` bounds the wait for other writers; with `priority` it goes before those of this process.
        """
        with (
            self._no_nesting(),
            self._locked(timeout_s, priority=priority),
            translate_database_errors(),
            self._writer(timeout_s).begin() as connection,
        ):
            yield connection

    def execute_autocommit(self, statement: TextClause, params: dict[str, Any], timeout_s: float) -> list[Any]:
        """The rows of one statement in a transaction of its own. Raises DatabaseUnavailable.

        It goes before the other writers of this process, and may be executed twice: see RawStatements.
        """
        with self._no_nesting(), self._locked(timeout_s, priority=True), translate_database_errors():
            return self.raw_statements.execute(statement, params, timeout_s)

    @contextmanager
    def transaction(self, timeout_s: float = WRITE_TIMEOUT_S) -> Iterator[Session]:
        """A writing transaction with a session: all or nothing. Raises DatabaseUnavailable."""
        with self.write(timeout_s) as connection, Session(connection, expire_on_commit=False) as session:
            yield session
            session.flush()
            for callback in session.info.pop(_BEFORE_COMMIT, ()):
                callback()

    @contextmanager
    def _no_nesting(self) -> Iterator[None]:
        """A transaction opened inside another of the same thread would wait for itself: raise at once."""
        if getattr(self._thread, "in_transaction", False):
            raise RuntimeError("a transaction was opened inside another")
        self._thread.in_transaction = True
        try:
            yield
        finally:
            self._thread.in_transaction = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing. Raises DatabaseUnavailable."""
        with translate_database_errors(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def _locked(self, timeout_s: float = -1, *, priority: bool = False) -> AbstractContextManager[None]:
        return self._write_lock.hold(timeout_s, priority=priority) if self.is_sqlite else nullcontext()

    def migrate(self, *, additive_only: bool = False, target: str = "head") -> None:
        """Bring the schema to a revision, with `additive_only` only as far as an older version can still run with.

        A migration that fails leaves nothing behind.
        """
        revision = self._migrations.additive_revision() if additive_only else target
        with self._locked(), translate_database_errors():
            self._migrations.upgrade(self._writer(WRITE_TIMEOUT_S), revision)

    def revision(self) -> str | None:
        """The schema revision of the database, None for an empty one."""
        with translate_database_errors(), self.engine.connect() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            revision = connection.execute(text("select version_num from alembic_version")).scalar()
            return str(revision) if revision else None

    def is_upgradable(self) -> bool:
        """Whether the database is empty or has an older schema that this program can migrate."""
        revision = self.revision()
        return revision is None or revision in self._migrations.known_revisions()[:-1]

    def check_schema(self) -> None:
        """Raise SchemaMismatch unless this program can work with the schema of the database."""
        revision, head = self.revision(), self._migrations.head_revision()
        if revision is None or not (self._migrations.is_compatible(revision) or self._supports(revision, head)):
            raise SchemaMismatch(revision, head)

    def _supports(self, revision: str, head: str) -> bool:
        """Whether a newer schema has kept everything that a program with this head uses."""
        with translate_database_errors(), self.engine.connect() as connection:
            return head in self._migrations.compatible_revisions(connection, revision)

    def close(self) -> None:
        """Close every connection."""
        self.raw_statements.close()
        self.engine.dispose()
        self.dbos_engine.dispose()


def before_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call back as the last thing in the transaction of `Database.transaction`; never if it is rolled back.

    For locks that all transactions want: taken this late, they are held shortly and cannot take part in a deadlock.
    """
    session.info.setdefault(_BEFORE_COMMIT, []).append(callback)


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Call back once the transaction under way on this connection is committed; never if it is rolled back."""
    event.listen(connection, "commit", lambda _connection: callback(), once=True)


def _create_private(file: Path) -> None:
    """What we create is for our user only; SQLite gives its side files the rights of the file."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))


def _busy_timeout(seconds: float) -> str:
    return f"busy_timeout={int(seconds * 1000)}"


def _begin(connection: Any) -> None:
    """Writers take the write lock at once; a reader that upgraded later could only fail.

    Through the driver itself: SQLAlchemy's execution adds a tenth to the time of a callback.
    """
    options, driver = connection.get_execution_options(), connection.connection.driver_connection
    if not options.get("patrol_writes", False):
        driver.execute("BEGIN")
        return
    _set_busy_timeout(connection.connection, options["patrol_timeout_s"])
    driver.execute("BEGIN IMMEDIATE")


def _set_busy_timeout(connection: PoolProxiedConnection, timeout_s: float) -> None:
    """How long the connection waits for other processes; only set when it changes."""
    if connection.info.get("patrol_timeout_s") != timeout_s:
        connection.cursor().execute(f"PRAGMA {_busy_timeout(timeout_s)}")
        connection.info["patrol_timeout_s"] = timeout_s


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Raise DatabaseUnavailable for the drivers' errors of an unavailable database."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ in _OUTAGE_ERRORS:
            raise DatabaseUnavailable(str(error.orig)) from error
        raise
    except SQLAlchemyError as error:
        if "QueuePool limit" in str(error):
            raise DatabaseUnavailable(str(error)) from error
        raise
    except Exception as error:
        # From the driver itself: see _begin and RawStatements.
        if type(error).__name__ in _OUTAGE_ERRORS and type(error).__module__.startswith(_DRIVERS):
            raise DatabaseUnavailable(str(error)) from error
        raise
