"""Temporary media: three days by the cloud's clock, read in ranges (protocol sheet, sections 3.1, 3.2 and 6)."""

import mimetypes
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.devtools.simulator.core.errors import ApiError

MEDIA_TTL_SECONDS = 3 * 24 * 3600
CHUNK_BYTES = 256 * 1024
Payload = bytes | Path


@dataclass(frozen=True)
class Media:
    """One stored item; `robot` is set when it was uploaded through a robot's key and works only there (6)."""

    media_id: str
    kind: str
    filename: str
    payload: Payload
    created_at: float
    owner: str | None = None

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.payload.stat().st_size if isinstance(self.payload, Path) else len(self.payload)

    @property
    def content_type(self) -> str:
        """Type guessed from the name, as the platform does."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"

    def read(self) -> bytes:
        """All bytes at once, for tests and small items."""
        return self.payload.read_bytes() if isinstance(self.payload, Path) else self.payload

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start up to stop in pieces; a file is never read whole."""
        if isinstance(self.payload, bytes):
            for at in range(start, stop, CHUNK_BYTES):
                yield self.payload[at : min(at + CHUNK_BYTES, stop)]
            return
        with self.payload.open("rb") as source:
            source.seek(start)
            while start < stop and (piece := source.read(min(CHUNK_BYTES, stop - start))):
                start += len(piece)
                yield piece


class MediaStore:
    """Everything uploaded by people, by the app and by robots."""

    def __init__(self) -> None:
        self._items: dict[str, Media] = {}
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def add(self, payload: Payload, kind: str, filename: str, now: float, owner: str | None = None) -> Media:
        """Keep an item and give it a media_id."""
        media = Media(secrets.token_urlsafe(48), kind, filename, payload, now, owner)
        self._items[media.media_id] = media
        return media

    def find(self, media_id: object, now: float, owner: str | None = None) -> Media:
        """The living item of that id for that robot (or for the app), or 40007."""
        media = self._items.get(media_id) if isinstance(media_id, str) else None
        if media is None or media.owner != owner or now >= media.created_at + MEDIA_TTL_SECONDS:
            raise ApiError(40007, "invalid media_id")
        return media

    def __len__(self) -> int:
        return len(self._items)

    @contextmanager
    def track_fetch(self, media_id: str, exclusive: bool) -> Iterator[None]:
        """Marks a fetch as under way; with `exclusive` a second one at the same time gets 45033 (2.2)."""
        with self._lock:
            if exclusive and media_id in self._under_way:
                raise ApiError(45033, "api concurrent out of limit")
            self._under_way.add(media_id)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(media_id)
