"""Whose turn it is to write: one thread at a time, and whoever must answer somebody before all who need not.

A plain lock gives a callback one turn in as many as there are busy threads. Here everybody else first queues at
a gate that only one may pass, so that whoever comes in a hurry competes with a single thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from storage.errors import DatabaseUnavailable


class WriteLock:
    """The one right to write within a process. A thread that has it may take it again."""

    def __init__(self) -> None:
        self._gate, self._writing = threading.RLock(), threading.RLock()

    def acquire(self) -> None:
        """Wait for a turn, however long; for whoever cannot use a context."""
        self._gate.acquire()
        self._writing.acquire()

    def release(self) -> None:
        """Give the turn back."""
        self._writing.release()
        self._gate.release()

    @contextmanager
    def hold(self, timeout_s: float = -1, *, priority: bool = False) -> Iterator[None]:
        """A turn for the length of the block. Raises DatabaseAway when it does not come within so many seconds."""
        with ExitStack() as stack:
            for lock in (self._writing,) if priority else (self._gate, self._writing):
                if not lock.acquire(timeout=timeout_s):
                    raise DatabaseUnavailable("another writer of this process is taking too long")
                stack.callback(lock.release)
            yield
