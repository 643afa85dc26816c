"""From the inbox to the engine: what the callbacks kept becomes jobs.

The row is the promise, and writing it is all that a callback waits for. Handing it over marks the row in the
same transaction as the job, so that no crash loses one; the job's name is the row's, so that none is carried
out twice.
"""

from __future__ import annotations

import logging
import threading

from bot.intake.inbox_writer import InboxWriter
from bot.unit_of_work import UnitOfWork
from storage.errors import DatabaseUnavailable

log = logging.getLogger(__name__)

# Few, because each holds the database for half a millisecond, and a callback that comes meanwhile waits.
_AT_ONCE = 4
# What another process has kept is found by looking.
_LOOK_S, _COURTESY_S, _AWAY_S = 0.2, 0.2, 1.0


class Dispatcher:
    """Hands kept messages to the engine; any number of processes may do so at the same time."""

    def __init__(self, uow: UnitOfWork, inbox_writer: InboxWriter) -> None:
        self._memory, self._hearing = uow, inbox_writer
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatching", daemon=True)

    def start(self) -> None:
        """Do so from now on, at once for what this process hears."""
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_LOOK_S + _COURTESY_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._hearing.yield_to_callbacks(_COURTESY_S)
                if self._memory.dispatch_inbox(_AT_ONCE) < _AT_ONCE:
                    self._hearing.wait_for_saved(_LOOK_S)
            except DatabaseUnavailable as error:
                log.error("the database is away: %s", error)
                self._stopped.wait(_AWAY_S)
