"""The lock of SQLite's one writer: one thread at a time, callbacks first.

With a plain lock a callback would wait for as many turns as there are busy threads. Here all others first pass a gate
that only one may pass, so a callback competes with a single thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from storage.errors import DatabaseUnavailable


class WriteLock:
    """The write lock of a process; reentrant."""

    def __init__(self) -> None:
        self._gate, self._writing = threading.RLock(), threading.RLock()

    def acquire(self) -> None:
        """Wait without limit; for callers that cannot use a context manager."""
        self._gate.acquire()
        self._writing.acquire()

    def release(self) -> None:
        """Free the lock."""
        self._writing.release()
        self._gate.release()

    @contextmanager
    def hold(self, timeout_s: float = -1, *, priority: bool = False) -> Iterator[None]:
        """Hold the lock for the length of the block. Raises DatabaseUnavailable after the timeout."""
        with ExitStack() as stack:
            for lock in (self._writing,) if priority else (self._gate, self._writing):
                if not lock.acquire(timeout=timeout_s):
                    raise DatabaseUnavailable("another writer of this process is taking too long")
                stack.callback(lock.release)
            yield
