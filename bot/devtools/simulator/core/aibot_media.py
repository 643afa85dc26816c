"""Media that people send to the smart bot: each encrypted with a key of its own, behind a URL that expires."""

import base64
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.devtools.simulator.core.media import Payload, read_chunks
from bot.devtools.simulator.core.records import Json
from bot.devtools.simulator.core.state import CloudState

URL_TTL_SECONDS = 300
PADDING_BLOCK = 32


@dataclass(frozen=True)
class EncryptedItem:
    """One encrypted file, and the name it was sent with."""

    path: Path
    name: str
    created_at: float

    def read_from(self, start: int) -> Iterator[bytes]:
        """The ciphertext from byte `start` on, in chunks."""
        return read_chunks(self.path, start)


class EncryptedMedia:
    """All items, by the secret token in their URL."""

    def __init__(self, state: CloudState) -> None:
        self._state = state
        self._items: dict[str, EncryptedItem] = {}

    def add(self, payload: Payload, name: str) -> Json:
        """Encrypt an item; returns the `url` and `aeskey` fields of its message."""
        key, token = os.urandom(32), secrets.token_urlsafe(24)
        path = self._state.upload_path(f"encrypted-{token}")
        with path.open("wb") as file:
            for chunk in _encrypted(payload, key):
                file.write(chunk)
        self._items[token] = EncryptedItem(path, name, self._state.now())
        # The platform may leave out the padding "=" of the key.
        return {"url": self.url_of(token), "aeskey": base64.b64encode(key).decode().rstrip("=")}

    def url_of(self, token: str) -> str:
        return f"{self._state.url}/cgi-bin/aibot_media?sign={token}"

    def find(self, token: str) -> EncryptedItem | None:
        """The item with this token, even if its URL has expired."""
        return self._items.get(token)

    def ciphertext_path(self, url: str) -> Path:
        """The file of ciphertext behind a URL, for tests that corrupt it."""
        return self._items[url.rpartition("=")[2]].path


def _encrypted(payload: Payload, key: bytes) -> Iterator[bytes]:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    size = 0
    for chunk in read_chunks(payload):
        size += len(chunk)
        yield encryptor.update(chunk)
    pad = PADDING_BLOCK - size % PADDING_BLOCK
    yield encryptor.update(bytes([pad]) * pad) + encryptor.finalize()
