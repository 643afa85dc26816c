"""Single statements over the driver's own connections, each a transaction of its own.

For the path of the callbacks, on which every tenth of a millisecond counts: what SQLAlchemy does around a statement
costs several times what the statement itself does.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, TextClause

# While another process writes, SQLite retries after ever longer pauses, up to a tenth of a second, though the other
# takes only some thousandths. With so short a timeout the retries are ours, and frequent.
BUSY_TIMEOUT_S = 0.001


class RawStatements:
    """Executes statements over an engine whose driver commits each statement by itself."""

    def __init__(self, engine: Engine, busy_timeout_s: float | None = None) -> None:
        """`busy_timeout_s`: how long the driver waits for other processes; None where nothing is locked."""
        self.engine, self._busy_timeout_s = engine, busy_timeout_s
        self._compiled = cache(self._compile)

    def execute(self, statement: TextClause, params: dict[str, Any], timeout_s: float) -> list[Any]:
        """Its rows; what it changed is durable when it returns. Raises the driver's errors.

        When the server has closed the connection, it is unknown whether the statement arrived. It is executed again
        over a new connection, so it must be idempotent.
        """
        connection = self.engine.raw_connection()
        try:
            return self._execute_until(connection, statement, params, timeout_s)
        except self.engine.dialect.loaded_dbapi.Error as error:
            closed = self.engine.dialect.is_disconnect(error, connection.dbapi_connection, None)
            connection.invalidate()
            if not closed:
                raise
        finally:
            connection.close()
        self.engine.dispose()  # the others are closed too
        with closing(self.engine.raw_connection()) as fresh:
            return self._execute(fresh, statement, params)

    def _execute_until(
        self, connection: PoolProxiedConnection, statement: TextClause, params: dict[str, Any], timeout_s: float
    ) -> list[Any]:
        retries = 0 if self._busy_timeout_s is None else round(timeout_s / self._busy_timeout_s) - 1
        for _ in range(retries):
            try:
                return self._execute(connection, statement, params)
            except self.engine.dialect.loaded_dbapi.OperationalError as error:
                if "locked" not in str(error):
                    raise
        return self._execute(connection, statement, params)

    def _execute(self, connection: PoolProxiedConnection, statement: TextClause, params: dict[str, Any]) -> list[Any]:
        compiled = self._compiled(statement)
        values = [params[name] for name in compiled.positiontup] if compiled.positiontup else params
        with closing(connection.cursor()) as cursor:
            cursor.execute(compiled.string, values)
            return list(cursor.fetchall())

    def _compile(self, statement: TextClause) -> Any:
        return statement.compile(dialect=self.engine.dialect)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
