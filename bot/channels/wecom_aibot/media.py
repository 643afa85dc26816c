"""Media of the smart bot: fetched within their five minutes, decrypted while they stream (protocol sheet 7.3)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channels.errors import MediaGone, OutcomeUnknown, Permanent, Transient, Undecryptable
from bot.channels.wecom_api.http import parse_int
from bot.clock import monotonic

HttpGet = Callable[[str, Mapping[str, str]], requests.Response]

_PIECE = 256 * 1024
_BLOCK, _PADDING = 16, 32
_GONE = (401, 403, 404, 410)
_RESUMES = 5
# The platform hands on nothing over 100 MB; what goes on for ever is no film.
_LARGEST, _LONGEST_S = 256 * 1024 * 1024, 600.0


def stream_media(media: str, http_get: HttpGet) -> Iterator[bytes]:
    """The plain bytes behind an address and its key, in pieces; never the whole film in memory.

    Raises MediaGone, Garbled, Permanent; another ChannelError: begin again later.
    """
    told = json.loads(media)
    return decrypt_stream(fetch_stream(told["url"], http_get), told["aeskey"])


def decrypt_stream(chunks: Iterator[bytes], aeskey: str) -> Iterator[bytes]:
    """Undo AES-256-CBC; the last 32 bytes are held back, for only the end tells what is padding. Raises Garbled."""
    key = _key(aeskey)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_BLOCK])).decryptor()
    size, held = 0, b""
    for piece in chunks:
        size += len(piece)
        plain = held + decryptor.update(piece)
        held = plain[-_PADDING:]
        if len(plain) > _PADDING:
            yield plain[:-_PADDING]
    if not size or size % _BLOCK:
        raise Undecryptable(f"a ciphertext of {size} bytes")
    yield _unpadded(held)


def _unpadded(end: bytes) -> bytes:
    count = end[-1]
    if not 1 <= count <= _PADDING or end[-count:] != bytes([count]) * count:
        raise Undecryptable("the padding is wrong")
    return end[:-count]


def _key(aeskey: str) -> bytes:
    """The `=` at the end may be missing (7.3)."""
    try:
        key = base64.b64decode(aeskey + "=" * (-len(aeskey) % 4))
    except (binascii.Error, ValueError):
        raise Undecryptable("the key is not Base64") from None
    if len(key) != 32:
        raise Undecryptable(f"a key of {len(key)} bytes")
    return key


def fetch_stream(url: str, http_get: HttpGet) -> Iterator[bytes]:
    """The bytes at an address; a body that breaks off is taken up where it broke. Raises ChannelError."""
    done, broken, began = 0, 0, monotonic()
    while True:
        total = None
        try:
            with http_get(url, {"Range": f"bytes={done}-"} if done else {}) as response:
                total = _total(response, done)
                for piece in response.iter_content(_PIECE):
                    done += len(piece)
                    _check_size(done, began)
                    yield piece
        except (requests.RequestException, OutcomeUnknown):
            broken += 1
            if broken > _RESUMES:
                raise Transient(f"broke off after {done} bytes") from None
            continue
        if total is None or done >= total:
            return


def _check_size(done: int, began: float) -> None:
    if done > _LARGEST or monotonic() - began > _LONGEST_S:
        raise Permanent(f"no end after {done} bytes")


def _total(response: requests.Response, start: int) -> int | None:
    """How long the whole is, where it is told; an answer that is no part of the film is refused."""
    if response.status_code in _GONE:
        raise MediaGone(f"HTTP {response.status_code}")
    length = parse_int(response.headers.get("Content-Length"))
    if response.status_code == 200 and not start:
        return length
    unit, _, total = response.headers.get("Content-Range", "").rpartition("/")
    if response.status_code != 206 or not unit.startswith(f"bytes {start}-"):
        raise Transient(f"HTTP {response.status_code}, another range than the one asked for")
    return parse_int(total)
