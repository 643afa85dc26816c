"""Temporary media: stored for three days, read in chunks and ranges."""

import io
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
    """One stored item. `owner` is the robot key or bot that uploaded it and alone may use it; None means the app."""

    media_id: str
    kind: str
    filename: str
    payload: Payload
    created_at: float
    owner: str | None = None

    @property
    def size(self) -> int:
        """Length in bytes."""
        return payload_size(self.payload)

    @property
    def content_type(self) -> str:
        """Guessed from the filename, as the platform does."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"

    def read(self) -> bytes:
        """All bytes at once, for tests and small items."""
        return self.payload.read_bytes() if isinstance(self.payload, Path) else self.payload

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` (default: the end)."""
        return read_chunks(self.payload, start, stop)


class MediaStore:
    """Everything uploaded by people, by the app and by robots."""

    def __init__(self) -> None:
        self._items: dict[str, Media] = {}
        self._fetching: set[str] = set()
        self._lock = threading.Lock()

    def add(self, payload: Payload, kind: str, filename: str, now: float, owner: str | None = None) -> Media:
        """Store an item under a new media_id."""
        media = Media(secrets.token_urlsafe(48), kind, filename, payload, now, owner)
        self._items[media.media_id] = media
        return media

    def find(self, media_id: object, now: float, owner: str | None = None) -> Media:
        """The item with this id; raises 40007 if it is unknown, expired or belongs to another owner."""
        media = self._items.get(media_id) if isinstance(media_id, str) else None
        if media is None or media.owner != owner or now >= media.created_at + MEDIA_TTL_SECONDS:
            raise ApiError(40007, "invalid media_id")
        return media

    def __len__(self) -> int:
        return len(self._items)

    @contextmanager
    def track_fetch(self, media_id: str, exclusive: bool) -> Iterator[None]:
        """Mark a fetch as in progress; with `exclusive`, a second one at the same time raises 45033."""
        with self._lock:
            if exclusive and media_id in self._fetching:
                raise ApiError(45033, "api concurrent out of limit")
            self._fetching.add(media_id)
        try:
            yield
        finally:
            with self._lock:
                self._fetching.discard(media_id)


def payload_size(payload: Payload) -> int:
    """Length in bytes."""
    return len(payload) if isinstance(payload, bytes) else payload.stat().st_size


def read_chunks(payload: Payload, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes from `start` up to `stop` (default: the end) in chunks; a file is never read whole."""
    stop = payload_size(payload) if stop is None else stop
    with io.BytesIO(payload) if isinstance(payload, bytes) else payload.open("rb") as source:
        source.seek(start)
        while start < stop and (chunk := source.read(min(CHUNK_BYTES, stop - start))):
            start += len(chunk)
            yield chunk
