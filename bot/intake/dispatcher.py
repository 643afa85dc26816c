"""From the inbox to the engine: stored messages become jobs.

A callback only waits for its inbox row. The dispatcher marks the row in the same transaction that enqueues the job,
so no crash loses a message; the job id contains the row id, so no message is handled twice.
"""

from __future__ import annotations

from datetime import timedelta

from bot.background import BackgroundLoop
from bot.intake.inbox_writer import InboxWriter
from bot.unit_of_work import UnitOfWork

# A small batch: it holds the database for half a millisecond, and callbacks wait meanwhile.
_BATCH = 4
# Messages that another process has stored are found by polling.
_POLL_INTERVAL = timedelta(seconds=0.2)
_YIELD_TIMEOUT_S = 0.2


class Dispatcher(BackgroundLoop):
    """Hands stored messages to the engine; any number of processes may do so at the same time."""

    def __init__(self, uow: UnitOfWork, inbox_writer: InboxWriter) -> None:
        super().__init__("dispatcher", _POLL_INTERVAL, self._dispatch)
        self._uow, self._inbox_writer = uow, inbox_writer
        inbox_writer.on_saved = self.wake

    def _dispatch(self) -> bool:
        self._inbox_writer.yield_to_callbacks(_YIELD_TIMEOUT_S)
        return self._uow.dispatch_inbox(_BATCH) == _BATCH
