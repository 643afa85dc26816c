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

from bot.devtools.simulator.api.fault_injection import install_fault_handlers
from bot.devtools.simulator.api.media_api import content_disposition
from bot.devtools.simulator.core.media import CHUNK_BYTES, Payload
from bot.devtools.simulator.core.records import Json

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

URL_TTL_SECONDS = 300
PADDING_BLOCK = 32


@dataclass(frozen=True)
class EncryptedItem:
    """One encrypted item."""

    path: Path
    name: str
    created_at: float


class EncryptedMedia:
    """Everything people sent to the bot, by the secret part of its address."""

    def __init__(self, state: "Cloud") -> None:
        self._cloud = state
        self._items: dict[str, EncryptedItem] = {}

    def add(self, payload: Payload, name: str) -> Json:
        """Encrypt an item with a key of its own; the `url` and `aeskey` of its message."""
        key, token = os.urandom(32), secrets.token_urlsafe(24)
        path = self._cloud.upload_path(f"sealed-{token}")
        with path.open("wb") as file:
            for piece in _encrypted(payload, key):
                file.write(piece)
        self._items[token] = EncryptedItem(path, name, self._cloud.now())
        # The = at the end is missing, as it may be (7.3).
        return {"url": self.url_of(token), "aeskey": base64.b64encode(key).decode().rstrip("=")}

    def url_of(self, token: str) -> str:
        """Where an item is fetched."""
        return f"{self._cloud.url}/cgi-bin/aibot_media?sign={token}"

    def find(self, token: str) -> EncryptedItem | None:
        """The item behind an address, dead or alive."""
        return self._items.get(token)

    def ciphertext_path(self, url: str) -> Path:
        """The file of ciphertext behind an address, for a test to spoil."""
        return self._items[url.rpartition("=")[2]].path


def _encrypted(payload: Payload, key: bytes) -> Iterator[bytes]:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    size = 0
    for piece in _pieces(payload):
        size += len(piece)
        yield encryptor.update(piece)
    pad = PADDING_BLOCK - size % PADDING_BLOCK
    yield encryptor.update(bytes([pad]) * pad) + encryptor.finalize()


def _pieces(payload: Payload) -> Iterator[bytes]:
    if isinstance(payload, bytes):
        yield payload
        return
    with payload.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def create_aibot_media_api(cloud: "Cloud") -> Blueprint:
    """GET of an item: 404 unknown, 403 after five minutes by the cloud's clock; ranges as on COS."""
    blueprint = Blueprint("aibot_media", __name__, url_prefix="/cgi-bin")
    install_fault_handlers(blueprint, cloud)

    @blueprint.get("/aibot_media")
    def get() -> Response:
        item = cloud.aibot.media.find(request.args.get("sign", ""))
        if item is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, content_type="application/xml")
        if cloud.now() >= item.created_at + URL_TTL_SECONDS:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        return _hand_out(item)

    return blueprint


def _hand_out(item: EncryptedItem) -> Response:
    total = item.path.stat().st_size
    wanted = request.headers.get("Range", "")
    start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
    response = Response(_from(item.path, start), 206 if wanted else 200, content_type="application/octet-stream")
    response.content_length = total - start
    response.headers["Content-Disposition"] = content_disposition(item.name)
    if wanted:
        response.headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
    return response


def _from(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(CHUNK_BYTES):
            yield piece
