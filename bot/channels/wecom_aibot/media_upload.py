"""Files to the smart bot's platform: announced, sent in numbered chunks, finished (protocol sheet 7.5)."""

from __future__ import annotations

import base64
import hashlib

from bot.channels.errors import Permanent
from bot.channels.wecom_aibot.rpc import AibotRpc

_CHUNK, _MOST_CHUNKS = 512 * 1024, 100
_VIDEO_BYTES, _FILE_BYTES = 10 * 1024 * 1024, 20 * 1024 * 1024


def upload_media(rpc: AibotRpc, name: str, content: bytes, *, image: bool = False) -> tuple[str, str]:
    """The kind under which a file is sent, and its media id. Raises ChannelError.

    A chunk may be sent again without harm, so a broken upload simply begins anew with the next try.
    """
    small_film = name.lower().endswith(".mp4") and len(content) <= _VIDEO_BYTES
    kind = "image" if image else "video" if small_film else "file"
    chunks = [content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK)]
    if not chunks or len(content) > _FILE_BYTES or len(chunks) > _MOST_CHUNKS:
        raise Permanent(f"a file of {len(content)} bytes")
    announced = {
        "type": kind, "filename": name, "total_size": len(content), "total_chunks": len(chunks),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    upload_id = rpc.call("aibot_upload_media_init", announced).get("upload_id")
    # Numbered from 0, as the platform's own SDKs do; its page shows 1.
    for index, chunk in enumerate(chunks):
        piece = {"upload_id": upload_id, "chunk_index": index, "base64_data": base64.b64encode(chunk).decode()}
        rpc.call("aibot_upload_media_chunk", piece)
    media_id = rpc.call("aibot_upload_media_finish", {"upload_id": upload_id}).get("media_id")
    if not isinstance(media_id, str):
        raise Permanent("an upload without a media id")
    return kind, media_id
