"""Storing messages while many arrive at once. Each caller returns only when its own message is durably stored.

PostgreSQL has as many writers as there are callers. SQLite has one: there a thread stores all waiting messages in one
transaction, because its fsync and the wait for the lock cost more than the rows in it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from bot.background import BackgroundQueue
from bot.clock import monotonic, sleep
from bot.unit_of_work import UnitOfWork
from storage.errors import DatabaseUnavailable
from storage.inbox import InboundMessage

# The platform waits 5 seconds for the answer to a callback: a 503 in time is better than an answer too late.
CALLBACK_TIMEOUT_S = 3.0
_BATCH = 64
# So many messages within so many seconds are a burst, during which background work waits.
_BURST, _BURST_S, _BURST_POLL_S = 8, 0.1, 0.02


class _PendingMessage:
    """A message on its way into the database, and the result."""

    def __init__(self, message: InboundMessage) -> None:
        # A bare lock that is released when the message is done costs a fraction of an Event.
        self.message, self.done = message, threading.Lock()
        self.done.acquire()
        self.is_new = False
        self.error: Exception | None = None
        self.abandoned = False


class InboxWriter:
    """Stores messages for all threads of a process."""

    def __init__(self, uow: UnitOfWork, timeout_s: float = CALLBACK_TIMEOUT_S) -> None:
        self._uow, self._timeout_s = uow, timeout_s
        self._pending = BackgroundQueue[_PendingMessage]("inbox writer", self._save_batch, _BATCH)
        self.on_saved: Callable[[], None] = lambda: None
        self._yielding = threading.Lock()
        self._arrivals: deque[float] = deque([-_BURST_S] * _BURST, maxlen=_BURST)

    def save(self, message: InboundMessage) -> bool:
        """Store a message; False when it was stored before. Raises DatabaseUnavailable."""
        self._arrivals.append(monotonic())
        if self._uow.database.is_sqlite:
            is_new = self._save_in_batch(message)
        else:
            is_new = bool(self._uow.store_messages([message], self._timeout_s))
        self.on_saved()
        return is_new

    def _save_in_batch(self, message: InboundMessage) -> bool:
        pending = _PendingMessage(message)
        self._pending.put(pending)
        if not pending.done.acquire(timeout=self._timeout_s):
            pending.abandoned = True
            raise DatabaseUnavailable("storing other messages takes too long")
        if pending.error is not None:
            raise pending.error
        return pending.is_new

    def yield_to_callbacks(self, timeout_s: float) -> None:
        """Wait while a burst of messages arrives, at most `timeout_s`: what is stored is in no hurry.

        One thread at a time, so that the waiting threads do not all start at the same moment.
        """
        with self._yielding:
            until = monotonic() + timeout_s
            while self._arrivals[0] + _BURST_S > monotonic() and until > monotonic():
                sleep(_BURST_POLL_S)

    def close(self) -> None:
        """End the thread."""
        self._pending.close()

    def _save_batch(self, pending: Sequence[_PendingMessage]) -> None:
        """Store a batch and release its callers; of a message that is in it twice, one is new."""
        batch = [each for each in pending if not each.abandoned]
        try:
            new_keys = self._uow.store_messages([each.message for each in batch], self._timeout_s)
            for each in batch:
                key = (each.message.channel, each.message.key)
                each.is_new = key in new_keys
                new_keys.discard(key)
        except Exception as error:  # noqa: BLE001 - each caller of the batch raises it
            for each in batch:
                each.error = error
        for each in batch:
            each.done.release()
