"""What people send to the smart bot: encrypted, behind an address that lives five minutes (protocol sheet, 7.3)."""

import base64
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Blueprint, Response, request

from bot.devtools.simulator.api.fault_injection import guard
from bot.devtools.simulator.api.media_api import disposition
from bot.devtools.simulator.core.media import CHUNK, Payload
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

LIFE_SECONDS = 300
PAD = 32


@dataclass(frozen=True)
class Sealed:
    """One encrypted item."""

    path: Path
    name: str
    born_at: float


class SealedMedia:
    """Everything people sent to the bot, by the secret part of its address."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._items: dict[str, Sealed] = {}

    def seal(self, payload: Payload, name: str) -> Json:
        """Encrypt an item with a key of its own; the `url` and `aeskey` of its message."""
        key, token = os.urandom(32), secrets.token_urlsafe(24)
        path = self._cloud.upload_path(f"sealed-{token}")
        with path.open("wb") as file:
            for piece in _encrypted(payload, key):
                file.write(piece)
        self._items[token] = Sealed(path, name, self._cloud.now())
        # The = at the end is missing, as it may be (7.3).
        return {"url": self.address(token), "aeskey": base64.b64encode(key).decode().rstrip("=")}

    def address(self, token: str) -> str:
        """Where an item is fetched."""
        return f"{self._cloud.url}/cgi-bin/aibot_media?sign={token}"

    def find(self, token: str) -> Sealed | None:
        """The item behind an address, dead or alive."""
        return self._items.get(token)

    def path_of(self, url: str) -> Path:
        """The file of ciphertext behind an address, for a test to spoil."""
        return self._items[url.rpartition("=")[2]].path


def _encrypted(payload: Payload, key: bytes) -> Iterator[bytes]:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    size = 0
    for piece in _pieces(payload):
        size += len(piece)
        yield encryptor.update(piece)
    pad = PAD - size % PAD
    yield encryptor.update(bytes([pad]) * pad) + encryptor.finalize()


def _pieces(payload: Payload) -> Iterator[bytes]:
    if isinstance(payload, bytes):
        yield payload
        return
    with payload.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def create_aibot_media(cloud: "Cloud") -> Blueprint:
    """GET of an item: 404 unknown, 403 after five minutes by the cloud's clock; ranges as on COS."""
    blueprint = Blueprint("aibot_media", __name__, url_prefix="/cgi-bin")
    guard(blueprint, cloud)

    @blueprint.get("/aibot_media")
    def get() -> Response:
        item = cloud.aibot.media.find(request.args.get("sign", ""))
        if item is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
        if cloud.now() >= item.born_at + LIFE_SECONDS:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        return _hand_out(item)

    return blueprint


def _hand_out(item: Sealed) -> Response:
    total = item.path.stat().st_size
    wanted = request.headers.get("Range", "")
    start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
    response = Response(_from(item.path, start), 206 if wanted else 200, content_type="application/octet-stream")
    response.content_length = total - start
    response.headers["Content-Disposition"] = disposition(item.name)
    if wanted:
        response.headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
    return response


def _from(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(CHUNK):
            yield piece
