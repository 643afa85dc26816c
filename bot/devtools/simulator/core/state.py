"""State that every part of the simulated cloud shares."""

import itertools
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from bot.devtools.simulator.core.card_store import CardStore
from bot.devtools.simulator.core.media import MediaStore
from bot.devtools.simulator.core.records import App, Member, Violation
from bot.devtools.simulator.core.servers import HttpServer

FIRST_MSG_ID = 7_300_000_000_000_000_001
"""Above 2**53 like real ids, so that a client that parses MsgId as a float fails."""


class CloudState:
    """Clock, lock, app, members, media, cards and violations; `Cloud` adds the parts that use them."""

    def __init__(self, clock: Callable[[], float], app: App | None = None) -> None:
        self.clock = clock
        self.app = app or App()
        self.members: dict[str, Member] = {}
        self.lock = threading.RLock()
        self.server: HttpServer | None = None
        self._uploads: tempfile.TemporaryDirectory[str] | None = None
        self._msg_ids = itertools.count(FIRST_MSG_ID)
        self._clear()

    def _clear(self) -> None:
        self.media = MediaStore()
        self.cards = CardStore()
        self.violations: list[Violation] = []

    def now(self) -> float:
        """Unix seconds."""
        return self.clock()

    def record_violation(self, endpoint: str, errcode: int, description: str) -> None:
        """Record something the bot did that the platform rejects or silently drops; errcode 0 if it does not tell."""
        with self.lock:
            self.violations.append(Violation(self.now(), endpoint, errcode, description))

    def next_msg_id(self) -> int:
        """A MsgId that was never used before."""
        return next(self._msg_ids)

    @property
    def url(self) -> str:
        """Base URL of the served cloud; a placeholder while it is not served."""
        return self.server.url if self.server else "http://simulator.invalid"

    def upload_path(self, name: str) -> Path:
        """Path for a file received from outside; close() deletes it."""
        with self.lock:
            if self._uploads is None:
                self._uploads = tempfile.TemporaryDirectory(prefix="simulator-")
            return Path(self._uploads.name) / name

    def close(self) -> None:
        """Stop serving and delete the uploads."""
        server, self.server = self.server, None
        if server is not None:
            server.close()
        if self._uploads is not None:
            self._uploads.cleanup()
            self._uploads = None
