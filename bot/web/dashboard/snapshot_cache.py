"""The present night, read by one request for all that ask within the same second."""

from __future__ import annotations

import hashlib
import threading

from bot.clock import monotonic
from bot.unit_of_work import UnitOfWork
from schedules.night_snapshot import NightSnapshot, load_night_snapshot

MAX_AGE_S = 1.0
"""How old a snapshot may be for a browser that polls; with its interval this is the delay of a change."""


class SnapshotCache:
    """The latest snapshot of the night and its version."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow, self._lock = uow, threading.Lock()
        self._latest: tuple[NightSnapshot, str] | None = None
        self._read_at = 0.0

    def snapshot(self, max_age_s: float = MAX_AGE_S) -> tuple[NightSnapshot, str]:
        """A snapshot begun at most `max_age_s` before this call, and its version: the same while nothing changes.

        Callers that wait for the same read share it. Raises StorageError.
        """
        oldest = monotonic() - max_age_s
        with self._lock:
            if self._latest is None or self._read_at < oldest:
                self._read_at = monotonic()
                with self._uow.read() as store:
                    found = load_night_snapshot(self._uow.context(store))
                self._latest = found, _version(found)
            return self._latest


def _version(snapshot: NightSnapshot) -> str:
    return hashlib.sha256(repr(snapshot.change_key).encode()).hexdigest()[:16]
