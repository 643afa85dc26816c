"""An object store that lets its readers wait."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import BinaryIO

from storage.objects.directory import DirectoryStore


class HoldingStore(DirectoryStore):
    """A directory whose `open` waits while `released` is not set; the keys that were asked for are in `opened`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.released = threading.Event()
        self.released.set()
        self.opened: list[str] = []

    def open(self, key: str) -> BinaryIO:
        self.opened.append(key)
        assert self.released.wait(60)
        return super().open(key)

    def store(self, key: str, content: bytes) -> str:
        """Store an object; its key."""
        with self.spool() as spool:
            spool.write(content)
            self.save(spool, key)
        return key
