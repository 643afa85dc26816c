"""A lock that one process at a time holds, freed by the operating system or the server when the process dies.

On SQLite a locked file beside the database, on PostgreSQL an advisory lock of a connection kept open for it.
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

# A machine that lost its power closes no connection: the server probes it, and frees the lock within a minute.
_KEEPALIVES = ("tcp_keepalives_idle=20", "tcp_keepalives_interval=10", "tcp_keepalives_count=3")


class ProcessLock(Protocol):
    """A named lock among all processes that use the same database."""

    def acquire(self) -> bool:
        """Take the lock or confirm that it is still held; False while another has it. Raises DatabaseUnavailable."""

    def release(self) -> None:
        """Free the lock."""


def process_lock(url: URL, name: str) -> ProcessLock:
    """The lock of that name, not yet taken."""
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        return _FileLock(Path(f"{url.database}.{quote(name, safe='')}.lock"))
    return _AdvisoryLock(url, name)


class _FileLock:
    def __init__(self, path: Path) -> None:
        self._path, self._descriptor = path, -1

    def acquire(self) -> bool:
        if self._descriptor >= 0:
            return True
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """See ProcessLock. The file stays: another process may have opened it and be locking it now."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _AdvisoryLock:
    def __init__(self, url: URL, name: str) -> None:
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True)
        self._name = name
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """See ProcessLock. A restarted server has forgotten the lock, which is then taken again."""
        try:
            return self._is_held() or self._take()
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

    def _take(self) -> bool:
        connection = self._engine.connect()
        for setting in _KEEPALIVES:
            connection.execute(text(f"set {setting}"))
        query = text("select pg_try_advisory_lock(hashtextextended(:name, 1))")
        if not connection.execute(query, {"name": self._name}).scalar():
            connection.close()
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
