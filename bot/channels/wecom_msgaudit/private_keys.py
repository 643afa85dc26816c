"""The private keys of the chat archive, by version."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.channels.errors import Misconfigured


class PrivateKeys:
    """Reads `<version>.pem` of a directory when it is needed, so that a key may be added while the service runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cached: dict[int, rsa.RSAPrivateKey] = {}

    def versions(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.pem") if path.stem.isdecimal())

    def decrypt(self, version: int, ciphertext: str) -> bytes:
        """Decrypt a value (Base64) that was encrypted with the public key of that version. Raises Misconfigured."""
        try:
            return self._key(version).decrypt(base64.b64decode(ciphertext), padding.PKCS1v15())
        except (OSError, ValueError, binascii.Error) as error:
            raise Misconfigured(f"private key {version}.pem: {type(error).__name__}") from error

    def _key(self, version: int) -> rsa.RSAPrivateKey:
        if version not in self._cached:
            key = load_pem_private_key((self._folder / f"{version}.pem").read_bytes(), password=None)
            if not isinstance(key, rsa.RSAPrivateKey):
                raise ValueError("not an RSA key")
            self._cached[version] = key
        return self._cached[version]

    def evict(self, version: int) -> None:
        """Read the file again next time: a wrong key may be replaced by the right one."""
        self._cached.pop(version, None)
