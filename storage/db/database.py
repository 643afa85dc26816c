"""The database: one engine for our rows, one on the same file or server for the durable engine.

SQLite runs with WAL and synchronous=FULL, every write in BEGIN IMMEDIATE behind one lock for
the whole process: the lock, not polling on a busy file, keeps the slowest callback fast.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection, TextClause, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from storage.db.migration_runner import (
    additive_revision,
    compatible_revisions,
    head_revision,
    is_compatible,
    known_revisions,
    upgrade,
)
from storage.db.raw_statements import BUSY_TIMEOUT_S, RawStatements
from storage.db.write_lock import WriteLock
from storage.errors import DatabaseUnavailable, SchemaMismatch

WRITE_TIMEOUT_S = 30.0
"""How long a writer waits for the others."""
_AWAY = ("OperationalError", "InterfaceError", "InternalError", "DatabaseError")
_DRIVERS = ("psycopg", "pysqlite3", "sqlite3")


def _sqlite_module() -> ModuleType:
    """The newest SQLite at hand: old system ones break the durable engine on Python 3.12 and later."""
    return importlib.import_module("pysqlite3" if sys.platform == "linux" else "sqlite3")


class Database:
    """Where the rows live. `url` is an SQLAlchemy address of SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turns, self._mine = WriteLock(), threading.local()
        if self.is_sqlite and self.url.database:
            _make_private(Path(self.url.database))
        self.engine = self._sqlite(explicit=True) if self.is_sqlite else self._server()
        self._writers: dict[float, Engine] = {}
        self._writer = self._writer_with(WRITE_TIMEOUT_S)
        # On PostgreSQL each statement would else see what was committed a moment before it.
        snapshot = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**snapshot)
        alone = {"isolation_level": "AUTOCOMMIT", "pool_pre_ping": False, "pool_reset_on_return": None}
        # Connections of its own: on SQLite they wait for other processes as nobody else should.
        self._direct = (
            RawStatements(self._sqlite(explicit=True, patience_s=BUSY_TIMEOUT_S), BUSY_TIMEOUT_S)
            if self.is_sqlite
            else RawStatements(self._server(**alone))
        )
        self.dbos_engine = self._sqlite(explicit=False) if self.is_sqlite else self._server()

    def _server(self, **more: Any) -> Engine:
        usual = {"pool_size": 20, "pool_pre_ping": True, "pool_timeout": 10, "hide_parameters": True}
        return create_engine(self.url, **{**usual, **more})

    def _writer_with(self, patience_s: float) -> Engine:
        if patience_s not in self._writers:
            options = {"patrol_writes": True, "patrol_patience_s": patience_s}
            self._writers[patience_s] = self.engine.execution_options(**options)
        return self._writers[patience_s]

    def _sqlite(self, *, explicit: bool, patience_s: float = WRITE_TIMEOUT_S) -> Engine:
        engine = create_engine(
            self.url,
            module=_sqlite_module(),
            pool_size=20,
            connect_args={"timeout": WRITE_TIMEOUT_S},
            hide_parameters=True,
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = None if explicit else "IMMEDIATE"
            for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", _busy_timeout(patience_s)):
                connection.execute(f"PRAGMA {pragma}")

        if explicit:
            event.listen(engine, "begin", _begin)
        else:
            self._lock_whole_transactions(engine)
        return engine

    def _lock_whole_transactions(self, engine: Engine) -> None:
        """The durable engine opens its own transactions: make each wait for the one writer lock."""
        event.listen(engine, "begin", lambda _c: self._turns.acquire())
        event.listen(engine, "commit", lambda _c: self._turns.release())
        event.listen(engine, "rollback", lambda _c: self._turns.release())

    @contextmanager
    def write(self, timeout_s: float = WRITE_TIMEOUT_S, *, priority: bool = False) -> Iterator[Connection]:
        """One writing transaction over a bare connection. Raises DatabaseAway when it cannot be kept now.

        `patience_s` bounds the wait for other writers; whoever is `urgent` goes before those of this process.
        """
        with (
            self._only_one(),
            self._turn(timeout_s, urgent=priority),
            translate_database_errors(),
            self._writer_with(timeout_s).begin() as connection,
        ):
            yield connection

    def execute_autocommit(self, statement: TextClause, params: dict[str, Any], timeout_s: float) -> list[Any]:
        """The rows of one statement that somebody waits for, as a transaction of its own. Raises DatabaseAway.

        It goes before the other writers of this process, and may be said twice: see Direct.
        """
        with self._only_one(), self._turn(timeout_s, urgent=True), translate_database_errors():
            return self._direct.execute(statement, params, timeout_s)

    @contextmanager
    def transaction(self, timeout_s: float = WRITE_TIMEOUT_S) -> Iterator[Session]:
        """The same with a session: all or nothing."""
        with self.write(timeout_s) as connection, Session(connection, expire_on_commit=False) as session:
            yield session
            session.flush()

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """A transaction opened inside another by the same thread would wait for itself: say so at once."""
        if getattr(self._mine, "open", False):
            raise RuntimeError("a transaction was opened inside another")
        self._mine.open = True
        try:
            yield
        finally:
            self._mine.open = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing."""
        with translate_database_errors(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def _turn(self, patience_s: float = -1, *, urgent: bool = False) -> AbstractContextManager[None]:
        return self._turns.hold(patience_s, priority=urgent) if self.is_sqlite else nullcontext()

    def migrate(self, *, additive_only: bool = False, target: str = "head") -> None:
        """Bring the schema to a revision, with `before` only as far as an older version can live with.

        A step that fails leaves nothing behind.
        """
        with self._turn(), translate_database_errors():
            upgrade(self._writer, additive_revision() if additive_only else target)

    def revision(self) -> str | None:
        """The schema revision found, None for an empty database."""
        with translate_database_errors(), self.engine.connect() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            found = connection.execute(text("select version_num from alembic_version")).scalar()
            return str(found) if found else None

    def is_upgradable(self) -> bool:
        """Whether the schema is one this program knows how to bring up to date."""
        found = self.revision()
        return found is None or found in known_revisions()[:-1]

    def check_schema(self) -> None:
        """Raise SchemaMismatch unless this program can work with the schema found."""
        found, expected = self.revision(), head_revision()
        if found is None or not (is_compatible(found) or self._serves(found, expected)):
            raise SchemaMismatch(found, expected)

    def _serves(self, found: str, expected: str) -> bool:
        """Whether a newer version has said that it left everything in place which this one uses."""
        with translate_database_errors(), self.engine.connect() as connection:
            return expected in compatible_revisions(connection, found)

    def close(self) -> None:
        """Give every connection back."""
        self._direct.close()
        self.engine.dispose()
        self.dbos_engine.dispose()


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Do something once the transaction under way on this connection stands; never if it does not."""
    event.listen(connection, "commit", lambda _connection: callback(), once=True)


def _make_private(file: Path) -> None:
    """What we create ourselves is for our eyes only; SQLite gives its side files the rights of the file."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))


def _busy_timeout(seconds: float) -> str:
    return f"busy_timeout={int(seconds * 1000)}"


def _begin(connection: Any) -> None:
    """Writers take the write lock at once; a reader that upgraded later could only fail.

    Said to the driver itself: SQLAlchemy's way round costs a callback a tenth of its time.
    """
    options, driver = connection.get_execution_options(), connection.connection.driver_connection
    if not options.get("patrol_writes", False):
        driver.execute("BEGIN")
        return
    _be_patient(connection.connection, options["patrol_patience_s"])
    driver.execute("BEGIN IMMEDIATE")


def _be_patient(connection: PoolProxiedConnection, patience_s: float) -> None:
    """How long a connection to SQLite waits for another process is said to it when it changes."""
    if connection.info.get("patience_s") != patience_s:
        connection.cursor().execute(f"PRAGMA {_busy_timeout(patience_s)}")
        connection.info["patience_s"] = patience_s


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """What a driver says of a database that is away, in the block, comes out as DatabaseAway."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ in _AWAY:
            raise DatabaseUnavailable(str(error.orig)) from error
        raise
    except SQLAlchemyError as error:
        if "QueuePool limit" in str(error):
            raise DatabaseUnavailable(str(error)) from error
        raise
    except Exception as error:
        # From the driver itself: see _begin and Direct.
        if type(error).__name__ in _AWAY and type(error).__module__.startswith(_DRIVERS):
            raise DatabaseUnavailable(str(error)) from error
        raise
