"""The encrypted envelopes of callbacks: signature, AES, receiver id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.crypto.cryptography import WeChatCipher

from bot.channels.errors import CallbackRejected

_BLOCK = 32
# The platform nests three levels; without a limit, a body of opening tags exhausts the stack.
_MAX_DEPTH = 16
# The platform's envelopes have a few hundred bytes besides the ciphertext.
_MAX_ENVELOPE_BYTES = 2048
_CIPHERTEXT = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[)?\s*([A-Za-z0-9+/=]*)")


class CallbackCrypto:
    """Decrypts the callbacks of one app; `accepted_ids` are the CorpIDs or app ids it accepts as receiver."""

    def __init__(self, token: str, encoding_aes_key: str, accepted_ids: Collection[str]) -> None:
        self._token = token
        # Real keys have non-zero spare bits in the last character, which a strict decoder refuses.
        self._key = base64.b64decode(encoding_aes_key + "=")
        self._accepted = frozenset(accepted_ids)

    def decrypt(self, query: Mapping[str, str], ciphertext: str) -> str:
        """The content of an encrypted text. Raises CallbackRejected: 403 for signature or receiver, else 400."""
        self.check_signature(query, ciphertext)
        content, receiver_id = _unpack(self._decrypt_aes(ciphertext.strip()))
        if receiver_id not in self._accepted:
            raise CallbackRejected(403, "foreign_corp")
        return content

    def decrypt_body(self, query: Mapping[str, str], body: bytes) -> str:
        """The content of a callback's body. Raises CallbackRejected."""
        if not query.get("msg_signature"):
            raise CallbackRejected(403, "signature")
        return self.decrypt(query, read_ciphertext(body))

    def check_signature(self, query: Mapping[str, str], ciphertext: str) -> None:
        """Raise CallbackRejected(403) unless the signature is right; compared in constant time."""
        pieces = [self._token, query.get("timestamp", ""), query.get("nonce", ""), ciphertext]
        # SHA-1 is prescribed by the platform.
        expected = hashlib.sha1("".join(sorted(pieces)).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), query.get("msg_signature", "").encode()):
            raise CallbackRejected(403, "signature")

    def _decrypt_aes(self, ciphertext: str) -> bytes:
        try:
            plain: bytes = WeChatCipher(self._key).decrypt(base64.b64decode(ciphertext, validate=True))
        except (binascii.Error, ValueError) as error:
            raise CallbackRejected(400, "ciphertext") from error
        padding = plain[-1] if plain else 0
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise CallbackRejected(400, "padding")
        return plain[:-padding]


def _unpack(plain: bytes) -> tuple[str, str]:
    """Content and receiver id; they follow 16 random bytes and the length of the content."""
    try:
        (length,) = struct.unpack(">I", plain[16:20])
        content, receiver_id = plain[20 : 20 + length], plain[20 + length :]
        if len(content) != length:
            raise CallbackRejected(400, "length")
        return content.decode(), receiver_id.decode()
    except (struct.error, UnicodeDecodeError) as error:
        raise CallbackRejected(400, "content") from error


def read_ciphertext(body: bytes) -> str:
    """The text of `Encrypt` in a callback's outer XML. Raises CallbackRejected(400).

    Any client can send a body, and its signature can only be checked once the ciphertext is found. So the ciphertext
    is cut out first, and the rest is parsed only if it is as short as the platform's envelopes.
    """
    body = body.strip()
    found = _CIPHERTEXT.search(body)
    start, end = found.span(1) if found else (0, 0)
    if len(body) - (end - start) > _MAX_ENVELOPE_BYTES:
        raise CallbackRejected(400, "envelope")
    try:
        rest = parse_xml(body[:start] + body[end:]).get("Encrypt")
    except ValueError as error:
        raise CallbackRejected(400, "envelope") from error
    ciphertext = body[start:end].decode() + rest if isinstance(rest, str) else ""
    if not ciphertext:
        raise CallbackRejected(400, "envelope")
    return ciphertext


def parse_xml(text: str | bytes) -> dict[str, Any]:
    """An XML message as nested fields; entities and DTDs are refused. Raises ValueError."""
    try:
        root = fromstring(text, forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, LookupError) as error:
        raise ValueError(str(error)) from error
    fields = _fields(root)
    if not isinstance(fields, dict):
        raise ValueError("no fields")
    return fields


def _fields(element: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    children = list(element)
    if not children:
        return (element.text or "").strip()
    fields: dict[str, Any] = {}
    for child in children:
        fields.setdefault(child.tag, []).append(_fields(child, depth + 1))
    return {tag: values[0] if len(values) == 1 else values for tag, values in fields.items()}


def verification_query(
    token: str, encoding_aes_key: str, receiver_id: str, plaintext: str, now: datetime
) -> dict[str, str]:
    """The query of a URL verification as the platform sends it; the right answer is `plaintext`."""
    content = plaintext.encode()
    plain = secrets.token_bytes(16) + struct.pack(">I", len(content)) + content + receiver_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    key = base64.b64decode(encoding_aes_key + "=")
    ciphertext = base64.b64encode(WeChatCipher(key).encrypt(plain + bytes([padding]) * padding)).decode()
    query = {"timestamp": f"{now.timestamp():.0f}", "nonce": secrets.token_hex(4), "echostr": ciphertext}
    signed = "".join(sorted([token, *query.values()]))
    return {**query, "msg_signature": hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()}
