"""Single statements over the driver's own connections, each a transaction of its own.

For the one path on which every tenth of a millisecond counts: what SQLAlchemy does around a statement costs several
times what the statement itself does.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, TextClause

# SQLite asks again for a file that another process writes to after ever longer pauses, up to a tenth of a second,
# while the others write for some thousandths: told to be patient for so long only, it is asked again soon.
BUSY_TIMEOUT_S = 0.001


class RawStatements:
    """An engine whose driver commits each statement by itself."""

    def __init__(self, engine: Engine, busy_timeout_s: float | None = None) -> None:
        """`asks_for_s`: for how long the engine's driver waits for other processes; None where there are no locks."""
        self._engine, self._asks_for_s = engine, busy_timeout_s
        self._compiled = cache(self._compile)

    def execute(self, statement: TextClause, params: dict[str, Any], timeout_s: float) -> list[Any]:
        """Its rows; what it changed is durable when it returns. Raises the driver's errors.

        Over a connection that the server has closed meanwhile nothing was heard, or its answer was lost: then it is
        said again over a new one, so it must be one that may be repeated.
        """
        connection = self._engine.raw_connection()
        try:
            return self._say_patiently(connection, statement, params, timeout_s)
        except self._engine.dialect.loaded_dbapi.Error as error:
            gone = self._engine.dialect.is_disconnect(error, connection.dbapi_connection, None)
            connection.invalidate()
            if not gone:
                raise
        finally:
            connection.close()
        self._engine.dispose()  # the others are closed too
        with closing(self._engine.raw_connection()) as fresh:
            return self._say(fresh, statement, params)

    def _say_patiently(
        self, connection: PoolProxiedConnection, words: TextClause, values: dict[str, Any], patience_s: float
    ) -> list[Any]:
        further = 0 if self._asks_for_s is None else round(patience_s / self._asks_for_s) - 1
        for _ in range(further):
            try:
                return self._say(connection, words, values)
            except self._engine.dialect.loaded_dbapi.OperationalError as error:
                if "locked" not in str(error):
                    raise
        return self._say(connection, words, values)

    def _say(self, connection: PoolProxiedConnection, words: TextClause, values: dict[str, Any]) -> list[Any]:
        compiled = self._compiled(words)
        given = [values[name] for name in compiled.positiontup] if compiled.positiontup else values
        with closing(connection.cursor()) as cursor:
            cursor.execute(compiled.string, given)
            return list(cursor.fetchall())

    def _compile(self, words: TextClause) -> Any:
        return words.compile(dialect=self._engine.dialect)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()
