"""Keeping messages while many arrive at once. Each caller is answered only once its own is durably kept.

A server has as many writers as there are callers. SQLite has one: there a thread keeps all that wait in one
transaction, for its fsync and the wait for the lock cost more than the rows in it.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Sequence

from bot.clock import monotonic, sleep
from bot.unit_of_work import UnitOfWork
from storage.errors import DatabaseUnavailable
from storage.inbox import InboundMessage

# A callback must be answered within 5 seconds (protocol sheet 1.2): better a 503 in time than an answer too late.
CALLBACK_TIMEOUT_S = 3.0
_AT_ONCE = 64
# So many messages within so many seconds are a rush, in which everything else steps aside.
_RUSH, _RUSH_S, _STEP_ASIDE_S = 8, 0.1, 0.02


class _Waiting:
    """One message on its way, and what became of it."""

    def __init__(self, heard: InboundMessage) -> None:
        # A bare lock that is open when it is done: an Event is made of several, and costs several times as much.
        self.heard, self.done = heard, threading.Lock()
        self.done.acquire()
        self.fresh = False
        self.error: Exception | None = None
        self.abandoned = False


class InboxWriter:
    """The one place where messages are kept, for all threads of a process."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._memory = uow
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._keeper: threading.Thread | None = None
        self._kept, self._giving_way = threading.Event(), threading.Lock()
        self._latest: deque[float] = deque([-_RUSH_S] * _RUSH, maxlen=_RUSH)

    def save(self, message: InboundMessage) -> bool:
        """Keep a message; False when it was kept before. Raises DatabaseAway."""
        self._latest.append(monotonic())
        fresh = self._with_others(message) if self._memory.database.is_sqlite else bool(self._hear([message]))
        self._kept.set()
        return fresh

    def _hear(self, batch: Sequence[InboundMessage]) -> set[tuple[str, str]]:
        return self._memory.store_messages(batch, CALLBACK_TIMEOUT_S)

    def _with_others(self, heard: InboundMessage) -> bool:
        mine = _Waiting(heard)
        self._start()
        self._waiting.put(mine)
        if not mine.done.acquire(timeout=CALLBACK_TIMEOUT_S):
            mine.abandoned = True
            raise DatabaseUnavailable("other messages are taking too long to keep")
        if mine.error is not None:
            raise mine.error
        return mine.fresh

    def yield_to_callbacks(self, timeout_s: float) -> None:
        """Wait while messages come in a rush, but not longer than that: what is kept is in no hurry.

        One after the other: those that had waited together would all begin at once.
        """
        with self._giving_way:
            until = monotonic() + timeout_s
            while self._latest[0] + _RUSH_S > monotonic() and until > monotonic():
                sleep(_STEP_ASIDE_S)

    def wait_for_saved(self, timeout_s: float) -> None:
        """Wait until this process has kept a message since the last such wait, but not longer than that."""
        self._kept.wait(timeout_s)
        self._kept.clear()

    def _start(self) -> None:
        """The keeper begins with the first message: a process that hears nothing needs none."""
        with self._starting:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_for_ever, name="hearing", daemon=True)
                self._keeper.start()

    def _keep_for_ever(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get())
            self._keep([each for each in batch if not each.abandoned])

    def _keep(self, batch: Sequence[_Waiting]) -> None:
        """Each is told what became of it; of a message that stands in it twice, one is new."""
        try:
            kept = self._hear([each.heard for each in batch]) if batch else set()
            for each in batch:
                found = (each.heard.channel, each.heard.key)
                each.fresh = found in kept
                kept.discard(found)
        except Exception as error:  # noqa: BLE001 - it belongs to every caller of the batch, and each raises it
            for each in batch:
                each.error = error
        for each in batch:
            each.done.release()
