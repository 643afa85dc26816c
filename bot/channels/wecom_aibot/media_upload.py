"""Uploading files over the smart bot's WebSocket: announced, sent in numbered chunks, finished."""

from __future__ import annotations

import base64
import hashlib

from bot.channels.errors import Permanent
from bot.channels.wecom_aibot.rpc import AibotRpc

_CHUNK_BYTES, _MAX_CHUNKS = 512 * 1024, 100
_MAX_VIDEO_BYTES, _MAX_FILE_BYTES = 10 * 1024 * 1024, 20 * 1024 * 1024


def upload_media(rpc: AibotRpc, name: str, content: bytes, *, image: bool = False) -> tuple[str, str]:
    """Upload a file; its message type (image, video, file) and media id. Raises ChannelError.

    Chunks may be repeated without harm, so an upload that fails is retried from the start.
    """
    is_small_film = name.lower().endswith(".mp4") and len(content) <= _MAX_VIDEO_BYTES
    kind = "image" if image else "video" if is_small_film else "file"
    chunks = [content[start : start + _CHUNK_BYTES] for start in range(0, len(content), _CHUNK_BYTES)]
    if not chunks or len(content) > _MAX_FILE_BYTES or len(chunks) > _MAX_CHUNKS:
        raise Permanent(f"a file of {len(content)} bytes")
    announcement = {
        "type": kind,
        "filename": name,
        "total_size": len(content),
        "total_chunks": len(chunks),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }
    upload_id = rpc.call("aibot_upload_media_init", announcement).get("upload_id")
    # Numbered from 0 as in the platform's own SDKs; its documentation shows 1.
    for index, chunk in enumerate(chunks):
        data = base64.b64encode(chunk).decode()
        rpc.call("aibot_upload_media_chunk", {"upload_id": upload_id, "chunk_index": index, "base64_data": data})
    media_id = rpc.call("aibot_upload_media_finish", {"upload_id": upload_id}).get("media_id")
    if not isinstance(media_id, str):
        raise Permanent("an upload without a media id")
    return kind, media_id
