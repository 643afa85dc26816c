"""Background loops, and the backoff after failures."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Generic, TypeVar

from bot.logs import over, trouble
from storage.errors import DatabaseUnavailable
from storage.objects import ObjectError

log = logging.getLogger(__name__)

Item = TypeVar("Item")

_STOP_TIMEOUT_S = 2.0
# What an unavailable database, object store or disk raises; anything else is a defect and gets a traceback.
_OUTAGES = (DatabaseUnavailable, ObjectError, OSError)
# A lost database is retried at least this often, so that the loops recover soon after it is back.
_MAX_LOOP_BACKOFF_S = 5.0


def backoff(failures: int, first_s: float = 1.0, longest_s: float = 60.0) -> timedelta:
    """Real time to wait after `failures` earlier failures in a row: 1, 2, 4 … 60 seconds by default."""
    return timedelta(seconds=min(first_s * 2 ** min(failures, 16), longest_s))


@contextmanager
def log_database_outage(action: str) -> Iterator[None]:
    """Log an unavailable database instead of raising; for what is done once and not worth a retry."""
    try:
        yield
    except DatabaseUnavailable as error:
        log.error("%s: the database is unavailable: %s", action, error)


class BackgroundLoop:
    """Calls one function repeatedly in its own thread until it is stopped.

    The next call comes after `every`, earlier after `wake()`, and at once when the call returned True.
    A call that raises does not end the loop: the pauses grow up to 5 seconds, and the log has one line a minute.
    """

    def __init__(self, name: str, every: timedelta, call: Callable[[], bool | None]) -> None:
        self._name, self._every_s, self._call = name, every.total_seconds(), call
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failures, self._troubles = 0, set[str]()

    def start(self) -> None:
        """Begin with a first call at once."""
        self._thread.start()

    def wake(self) -> None:
        """Make the next call now."""
        self._wake.set()

    def stop(self, timeout_s: float = _STOP_TIMEOUT_S) -> None:
        """Wait for the running call, at most for the timeout, and make no further one."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def stopping(self) -> bool:
        """Whether the loop was told to stop; a long call asks this to end early."""
        return self._stop.is_set()

    def wait(self, seconds: float) -> None:
        """A pause inside a call that ends early when the loop is stopped."""
        self._stop.wait(seconds)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._stop.is_set():
                return
            if pause_s := self.attempt():
                self._wake.wait(pause_s)

    def attempt(self) -> float:
        """One call whose errors are logged, not raised; the seconds to wait before the next one."""
        try:
            more = self._call()
        except Exception as error:  # noqa: BLE001 - a loop outlives whatever one call runs into
            self._record_failure(error)
            return max(self._every_s, backoff(self._failures - 1, longest_s=_MAX_LOOP_BACKOFF_S).total_seconds())
        for subject in self._troubles:
            log.info("%s: works again", self._name, extra=over(subject))
        self._failures, self._troubles = 0, set()
        return 0.0 if more else self._every_s

    def _record_failure(self, error: Exception) -> None:
        kind, is_outage = type(error).__name__, isinstance(error, _OUTAGES)
        subject = self._name if is_outage else f"{self._name}: {kind}"
        log.error("%s: %s: %s", self._name, kind, error, exc_info=None if is_outage else error, extra=trouble(subject))
        self._failures += 1
        self._troubles.add(subject)


class BackgroundQueue(Generic[Item]):
    """Items that one thread handles, up to `max_batch` of them at a time. The thread starts with the first item."""

    def __init__(self, name: str, handle: Callable[[list[Item]], None], max_batch: int = 1) -> None:
        self._handle, self._max_batch = handle, max_batch
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._loop = BackgroundLoop(name, timedelta(0), self._handle_batch)
        self._starting, self._is_started = threading.Lock(), False

    def put(self, item: Item) -> None:
        """Add an item; returns at once."""
        with self._starting:
            if not self._is_started:
                self._loop.start()
                self._is_started = True
        self._items.put(item)

    def close(self) -> None:
        """End the thread after the batch that it handles; what waits behind it is dropped."""
        self._items.put(None)
        self._loop.stop()

    def _handle_batch(self) -> None:
        batch = [self._items.get()]
        while len(batch) < self._max_batch and not self._items.empty():
            batch.append(self._items.get())
        if None in batch:
            # For the next call, in case the loop has not been stopped yet.
            self._items.put(None)
        if items := [item for item in batch if item is not None]:
            self._handle(items)
