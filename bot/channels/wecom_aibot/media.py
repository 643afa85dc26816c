"""Media of the smart bot: downloaded before their URL expires, and decrypted while they stream."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channels.errors import Undecryptable
from bot.channels.wecom_api.media import DownloadLimits, MediaRange, download, media_headers

HttpGet = Callable[[str, Mapping[str, str]], requests.Response]

_BLOCK_BYTES, _MAX_PADDING = 16, 32
_GONE_STATUSES = (401, 403, 404, 410)
# The platform forwards no file over 100 MB.
_LIMITS = DownloadLimits(max_bytes=256 * 1024 * 1024, max_s=600.0)


def stream_media(media_json: str, http_get: HttpGet) -> Iterator[bytes]:
    """The decrypted bytes of `{"url": …, "aeskey": …}`, in chunks.

    Raises MediaGone, Undecryptable, Permanent; another ChannelError: retry from the start.
    """
    media = json.loads(media_json)
    return decrypt_stream(fetch_stream(media["url"], http_get), media["aeskey"])


def decrypt_stream(chunks: Iterator[bytes], aeskey: str) -> Iterator[bytes]:
    """Decrypt AES-256-CBC; 32 bytes are held back until the end, because they may be padding. Raises Undecryptable."""
    key = _decode_key(aeskey)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_BLOCK_BYTES])).decryptor()
    size, held_back = 0, b""
    for chunk in chunks:
        size += len(chunk)
        plain = held_back + decryptor.update(chunk)
        held_back = plain[-_MAX_PADDING:]
        if len(plain) > _MAX_PADDING:
            yield plain[:-_MAX_PADDING]
    if not size or size % _BLOCK_BYTES:
        raise Undecryptable(f"a ciphertext of {size} bytes")
    yield _remove_padding(held_back)


def _remove_padding(end: bytes) -> bytes:
    count = end[-1]
    if not 1 <= count <= _MAX_PADDING or end[-count:] != bytes([count]) * count:
        raise Undecryptable("wrong padding")
    return end[:-count]


def _decode_key(aeskey: str) -> bytes:
    """The platform may omit the `=` at the end."""
    try:
        key = base64.b64decode(aeskey + "=" * (-len(aeskey) % 4))
    except (binascii.Error, ValueError):
        raise Undecryptable("the key is not Base64") from None
    if len(key) != 32:
        raise Undecryptable(f"a key of {len(key)} bytes")
    return key


def fetch_stream(url: str, http_get: HttpGet) -> Iterator[bytes]:
    """The encrypted bytes at a URL. Raises ChannelError."""

    def request_range(start: int) -> MediaRange:
        response = http_get(url, media_headers(start))
        # Any bytes may be a ciphertext, also those that look like a JSON error.
        return MediaRange(response, start, gone_statuses=_GONE_STATUSES, may_be_error=False)

    return download(request_range, _LIMITS)
