"""A name that one process at a time may bear, given back by the operating system when it dies.

On SQLite a locked file beside the database, on PostgreSQL an advisory lock of a connection kept for it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from storage.errors import DatabaseUnavailable

# A machine that lost its power gives nothing back: the server asks after it, and lets go within a minute.
_ASK_AFTER = ("tcp_keepalives_idle=20", "tcp_keepalives_interval=10", "tcp_keepalives_count=3")


class ProcessLock(Protocol):
    """One name, claimed or not."""

    def acquire(self) -> bool:
        """Bear the name, or go on bearing it; False while another process does. Raises DatabaseAway."""

    def release(self) -> None:
        """Bear it no longer."""


def process_lock(url: URL, name: str) -> ProcessLock:
    """The claim to a name among all that use this database."""
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        return _FileClaim(Path(f"{url.database}.{quote(name, safe='')}.lock"))
    return _ServerClaim(url, name)


class _FileClaim:
    def __init__(self, path: Path) -> None:
        self._path, self._number = path, -1

    def acquire(self) -> bool:
        """See Claim."""
        if self._number >= 0:
            return True
        number = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return False
        self._number = number
        return True

    def release(self) -> None:
        """See Claim. The file stays: whoever opened it a moment ago may be locking it."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


class _ServerClaim:
    def __init__(self, url: URL, name: str) -> None:
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
        self._name = name
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """See Claim. A server that was restarted has forgotten it, and is asked again."""
        try:
            return self._is_held() or self._ask()
        except DBAPIError as error:
            self.release()
            raise DatabaseUnavailable(str(error.orig)) from error

    def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("select 1"))
        except DBAPIError:
            self.release()
            return False
        return True

    def _ask(self) -> bool:
        connection = self._engine.connect()
        for setting in _ASK_AFTER:
            connection.execute(text(f"set {setting}"))
        taken = connection.execute(
            text("select pg_try_advisory_lock(hashtextextended(:name, 1))"), {"name": self._name}
        ).scalar()
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        """See Claim."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
