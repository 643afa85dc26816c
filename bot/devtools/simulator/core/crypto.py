"""The platform's callback crypto, written independently of the bot's."""

import base64
import hashlib
import os
import re
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_SIZE = 32
RANDOM_BYTES = 16


class DecryptionError(ValueError):
    """The platform cannot have produced this ciphertext."""


def aes_key(encoding_aes_key: str) -> bytes:
    """Decode an EncodingAESKey; spare bits in its last character are allowed, as on the platform."""
    if not re.fullmatch(r"[A-Za-z0-9]{43}", encoding_aes_key):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return base64.b64decode(encoding_aes_key + "=")


def sign(token: str, timestamp: str, nonce: str, ciphertext: str) -> str:
    """SHA-1 over the four strings, sorted byte-wise and concatenated."""
    parts = sorted(part.encode() for part in (token, timestamp, nonce, ciphertext))
    return hashlib.sha1(b"".join(parts)).hexdigest()


def encrypt(encoding_aes_key: str, message: bytes, receive_id: str, random: bytes | None = None) -> str:
    """AES-256-CBC over random bytes, big-endian length, message and receiveid, padded to a multiple of 32."""
    head = random if random is not None else os.urandom(RANDOM_BYTES)
    plain = head + struct.pack(">I", len(message)) + message + receive_id.encode()
    pad = BLOCK_SIZE - len(plain) % BLOCK_SIZE
    encryptor = _cipher(encoding_aes_key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def decrypt(encoding_aes_key: str, ciphertext: str) -> tuple[bytes, str]:
    """The message and the receiveid inside a ciphertext; raises DecryptionError."""
    try:
        decryptor = _cipher(encoding_aes_key).decryptor()
        padded = decryptor.update(base64.b64decode(ciphertext, validate=True)) + decryptor.finalize()
        return _open(_unpad(padded))
    except (ValueError, struct.error) as error:
        raise DecryptionError(str(error)) from error


def _cipher(encoding_aes_key: str) -> Cipher[modes.CBC]:
    key = aes_key(encoding_aes_key)
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def _unpad(padded: bytes) -> bytes:
    pad = padded[-1] if padded else 0
    if not 1 <= pad <= BLOCK_SIZE or padded[-pad:] != bytes([pad]) * pad:
        raise DecryptionError("wrong padding")
    return padded[:-pad]


def _open(plain: bytes) -> tuple[bytes, str]:
    (length,) = struct.unpack(">I", plain[RANDOM_BYTES : RANDOM_BYTES + 4])
    body = plain[RANDOM_BYTES + 4 :]
    if length > len(body):
        raise DecryptionError("the length field points past the end")
    return body[:length], body[length:].decode()
