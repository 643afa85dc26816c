"""Files from the smart bot in numbered chunks (protocol sheet, section 7.5)."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.devtools.simulator.core.errors import Refusal
from bot.devtools.simulator.core.field_checks import maybe_words, words
from bot.devtools.simulator.core.media_rules import check_upload
from bot.devtools.simulator.core.rate_limit import Window
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

MEGABYTE = 1024 * 1024
LIMITS = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
CHUNK_BYTES, MOST_CHUNKS, LIFE_SECONDS = 512 * 1024, 100, 1800
OWNER = "aibot"
"""Whose media these are in the cloud's store: a media id of the bot works for the bot only."""


@dataclass
class Session:
    """One upload under way."""

    kind: str
    filename: str
    total_size: int
    total_chunks: int
    md5: str
    born_at: float
    chunks: dict[int, bytes] = field(default_factory=dict)


class Uploads:
    """All uploads of the bot; they outlive a connection."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._sessions: dict[str, Session] = {}
        self._minute, self._hour = Window(30, 60), Window(1000, 3600)

    def begin(self, body: Json) -> Json:
        """aibot_upload_media_init."""
        now = self._cloud.now()
        if not (self._minute.admits("", now) and self._hour.admits("", now)):
            raise Refusal(45009, "upload freq out of limit")
        kind = words(body, "type")
        if kind not in LIMITS:
            raise Refusal(40004, "invalid media type")
        size, chunks = _count(body, "total_size"), _count(body, "total_chunks")
        if size > LIMITS[kind]:
            raise Refusal(45001, f"invalid {kind} size")
        if chunks > MOST_CHUNKS or chunks * CHUNK_BYTES < size:
            raise Refusal(40058, "total_chunks does not fit total_size")
        upload_id = secrets.token_urlsafe(16)
        name = words(body, "filename")
        self._sessions[upload_id] = Session(kind, name, size, chunks, maybe_words(body, "md5"), now)
        return {"upload_id": upload_id}

    def take(self, body: Json) -> Json:
        """aibot_upload_media_chunk: numbered from 0, in any order; repeats are ignored."""
        session, index = self._session(body), body.get("chunk_index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < session.total_chunks:
            raise Refusal(40058, "chunk_index is not within 0..total_chunks-1")
        try:
            data = base64.b64decode(words(body, "base64_data"), validate=True)
        except binascii.Error as error:
            raise Refusal(40058, "base64_data is not Base64") from error
        if len(data) > CHUNK_BYTES:
            raise Refusal(40058, "a chunk is over 512 KB")
        session.chunks.setdefault(index, data)
        return {}

    def finish(self, body: Json) -> Json:
        """aibot_upload_media_finish: all there, of the size and the MD5 that were announced."""
        session = self._session(body)
        data = b"".join(session.chunks[index] for index in sorted(session.chunks))
        if len(session.chunks) < session.total_chunks or len(data) != session.total_size:
            raise Refusal(40058, "chunks are missing")
        if session.md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != session.md5.lower():
            raise Refusal(40058, "md5 mismatch")
        check_upload(session.kind, data, LIMITS)
        del self._sessions[body["upload_id"]]
        media = self._cloud.media.add(data, session.kind, session.filename, self._cloud.now(), OWNER)
        return {"type": session.kind, "media_id": media.media_id, "created_at": int(media.created_at)}

    def _session(self, body: Json) -> Session:
        session = self._sessions.get(words(body, "upload_id"))
        if session is None or self._cloud.now() >= session.born_at + LIFE_SECONDS:
            raise Refusal(40058, "upload_id unknown or expired")
        return session


def _count(body: Json, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise Refusal(40058, f"{name} is not a number above 0")
    return value
