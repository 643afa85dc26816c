"""Single statements over the driver's own connections, each a transaction of its own.

For the one path on which every tenth of a millisecond counts: what SQLAlchemy does around a statement costs several
times what the statement itself does.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, TextClause


class Direct:
    """Connections of an engine whose driver commits each statement by itself, one for each thread that asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._mine = engine, threading.local()
        self._taken: list[PoolProxiedConnection] = []
        self._compiled = cache(self._compile)

    def say(self, words: TextClause, values: dict[str, Any]) -> list[Any]:
        """Its rows; what it changed is durable when it returns. Raises the driver's errors.

        A connection that may have gone bad meanwhile is exchanged and the statement said again, so it must be one
        that may be repeated.
        """
        old = getattr(self._mine, "connection", None)
        if old is not None:
            try:
                return self._say(old, words, values)
            except self._engine.dialect.loaded_dbapi.Error:
                self._give_up(old)
        self._mine.connection = self._engine.raw_connection()
        self._taken.append(self._mine.connection)
        return self._say(self._mine.connection, words, values)

    def _say(self, connection: PoolProxiedConnection, words: TextClause, values: dict[str, Any]) -> list[Any]:
        compiled = self._compiled(words)
        given = [values[name] for name in compiled.positiontup] if compiled.positiontup else values
        cursor = connection.cursor()
        try:
            cursor.execute(compiled.string, given)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _compile(self, words: TextClause) -> Any:
        return words.compile(dialect=self._engine.dialect)

    def _give_up(self, connection: PoolProxiedConnection) -> None:
        self._mine.connection = None
        self._taken.remove(connection)
        connection.invalidate()

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._taken:
            connection.invalidate()
        self._taken.clear()
