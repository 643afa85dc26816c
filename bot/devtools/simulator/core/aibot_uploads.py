"""Uploads of the smart bot over its WebSocket, in numbered chunks."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import optional_text, require_text
from bot.devtools.simulator.core.media_rules import check_upload
from bot.devtools.simulator.core.rate_limit import RateLimit
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.state import CloudState

MEGABYTE = 1024 * 1024
LIMITS = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
CHUNK_BYTES, MAX_CHUNKS, UPLOAD_TTL_SECONDS = 512 * 1024, 100, 1800
MEDIA_OWNER = "aibot"
"""Owner of these media in the media store: their media_ids work for the smart bot only."""


@dataclass
class UploadSession:
    kind: str
    filename: str
    total_size: int
    total_chunks: int
    md5: str
    created_at: float
    chunks: dict[int, bytes] = field(default_factory=dict)


class Uploads:
    """All uploads in progress; they survive a reconnect. All methods raise ApiError for invalid fields."""

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self._sessions: dict[str, UploadSession] = {}
        self._minute_limit, self._hour_limit = RateLimit(30, 60), RateLimit(1000, 3600)

    def start(self, body: Json) -> Json:
        """aibot_upload_media_init; at most 30 a minute and 1000 an hour."""
        now = self._state.now()
        if not (self._minute_limit.allow("", now) and self._hour_limit.allow("", now)):
            raise ApiError(45009, "upload freq out of limit")
        kind = require_text(body, "type")
        if kind not in LIMITS:
            raise ApiError(40004, "invalid media type")
        size, chunks = _positive_number(body, "total_size"), _positive_number(body, "total_chunks")
        if size > LIMITS[kind]:
            raise ApiError(45001, f"invalid {kind} size")
        if chunks > MAX_CHUNKS or chunks * CHUNK_BYTES < size:
            raise ApiError(40058, "total_chunks does not fit total_size")
        upload_id = secrets.token_urlsafe(16)
        name = require_text(body, "filename")
        self._sessions[upload_id] = UploadSession(kind, name, size, chunks, optional_text(body, "md5"), now)
        return {"upload_id": upload_id}

    def add_chunk(self, body: Json) -> Json:
        """aibot_upload_media_chunk: chunks are numbered from 0 and come in any order; repeats are ignored."""
        session, index = self._session(body), body.get("chunk_index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < session.total_chunks:
            raise ApiError(40058, "chunk_index is not within 0..total_chunks-1")
        try:
            data = base64.b64decode(require_text(body, "base64_data"), validate=True)
        except binascii.Error as error:
            raise ApiError(40058, "base64_data is not Base64") from error
        if len(data) > CHUNK_BYTES:
            raise ApiError(40058, "a chunk is over 512 KB")
        session.chunks.setdefault(index, data)
        return {}

    def finish(self, body: Json) -> Json:
        """aibot_upload_media_finish: the chunks must be complete and match the announced size and MD5."""
        session = self._session(body)
        data = b"".join(session.chunks[index] for index in sorted(session.chunks))
        if len(session.chunks) < session.total_chunks or len(data) != session.total_size:
            raise ApiError(40058, "chunks are missing")
        if session.md5 and hashlib.md5(data, usedforsecurity=False).hexdigest() != session.md5.lower():
            raise ApiError(40058, "md5 mismatch")
        check_upload(session.kind, data, LIMITS)
        del self._sessions[body["upload_id"]]
        media = self._state.media.add(data, session.kind, session.filename, self._state.now(), MEDIA_OWNER)
        return {"type": session.kind, "media_id": media.media_id, "created_at": int(media.created_at)}

    def _session(self, body: Json) -> UploadSession:
        session = self._sessions.get(require_text(body, "upload_id"))
        if session is None or self._state.now() >= session.created_at + UPLOAD_TTL_SECONDS:
            raise ApiError(40058, "upload_id unknown or expired")
        return session


def _positive_number(body: Json, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ApiError(40058, f"{name} is not a number above 0")
    return value
