"""The night as watched by many at once: read by one for all of them, and each told when it has changed.

A browser that watches holds a connection open (server-sent events). Held by a thread each, eight watchers would
take all threads of the server; so the thread hands its connection over to this (bot/web/streaming.py) and is free, and
one thread for the whole process looks at the night every other second and tells everybody when it is not the same
any more. Only *that* it changed is told: what is shown is asked for by each with his own sign-in.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import Protocol

from bot.clock import monotonic
from bot.unit_of_work import UnitOfWork
from schedules.night_snapshot import NightSnapshot, load_night_snapshot
from storage.errors import StorageError

log = logging.getLogger(__name__)
# How often one looks; a county so large that a look takes long is looked at less often.
_EVERY_S, _AT_MOST_BUSY = 2.0, 0.1
MAX_AGE_S = 1.0
"""So old may be what is shown to those who were just told of a change: they all come at once."""
# Proxies and the server itself close what stays silent; and nobody watches for ever on one look at his sign-in.
_SIGN_OF_LIFE_S, _LONGEST_S = 15.0, 600.0
_MOST = 500
# Where to keep the connection of a request open: put there by the page, taken up by the server.
STREAM_KEY = "patrol.stream"


class EventStream(Protocol):
    """A connection that is kept open."""

    def send(self, data: bytes) -> bool:
        """Send something without waiting; False when nobody is there any more."""

    def close(self) -> None:
        """End it; the browser comes again by itself."""


class SnapshotCache:
    """The present night, and everybody who watches it."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._memory = uow
        self._reading, self._changed = threading.Lock(), threading.Condition()
        self._latest: tuple[NightSnapshot, str] | None = None
        self._began_at = self._took = 0.0
        self._pipes: dict[EventStream, float] = {}
        self._thread: threading.Thread | None = None

    def snapshot(self, max_age_s: float = MAX_AGE_S) -> tuple[NightSnapshot, str]:
        """The night, at most so old, and a word that is another one when anything about it is. Raises StorageError.

        Of many who ask at once, one reads; with `fresh_s` 0 what it read after the others had asked is good for them.
        """
        asked = monotonic()
        with self._reading:
            if self._latest is None or self._began_at < asked - max_age_s:
                self._began_at = monotonic()
                with self._memory.read() as store:
                    found = load_night_snapshot(self._memory.context(store))
                self._latest = found, _word(found)
                self._took = monotonic() - self._began_at
            return self._latest

    def subscribe(self, stream: EventStream) -> None:
        """Tell that connection, too, from now on."""
        with self._changed:
            if len(self._pipes) >= _MOST:
                stream.close()
                return
            self._pipes[stream] = monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()

    @property
    def subscriber_count(self) -> int:
        """How many are being told."""
        return len(self._pipes)

    @property
    def is_running(self) -> bool:
        """Whether anybody looks at the night for others."""
        return self._thread is not None

    def _run(self) -> None:
        """For as long as anybody watches."""
        told, spoken_at = "", monotonic()
        while self._goes_on():
            word = self._word(told)
            silent = monotonic() - spoken_at > _SIGN_OF_LIFE_S
            if word != told or silent:
                self.broadcast(format_event(word) if word != told else b":\n\n")
                told, spoken_at = word, monotonic()
            with self._changed:
                self._changed.wait(max(_EVERY_S, self._took / _AT_MOST_BUSY))

    def _goes_on(self) -> bool:
        with self._changed:
            if not self._pipes:
                self._thread = None
            return bool(self._pipes)

    def _word(self, told: str) -> str:
        try:
            return self.snapshot()[1]
        except StorageError as error:
            log.warning("the night cannot be looked at: %s", error)
            return told

    def broadcast(self, data: bytes) -> None:
        """Send the same to everybody who watches."""
        now = monotonic()
        for pipe, since in list(self._pipes.items()):
            if now - since > _LONGEST_S:
                pipe.close()
            elif pipe.send(data):
                continue
            with self._changed:
                self._pipes.pop(pipe, None)


def format_event(version: str) -> bytes:
    """As it is told to browsers."""
    return f"event: tonight\ndata: {version}\n\n".encode()


def _word(found: NightSnapshot) -> str:
    return hashlib.sha256(repr(found.change_key).encode()).hexdigest()[:16]
