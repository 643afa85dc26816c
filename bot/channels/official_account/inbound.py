"""The account as a way in: its callbacks in three modes, and its media (protocol sheet 10)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from bot.channels.errors import ChannelError
from bot.channels.interface import CallbackRejected, InboundMessage
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.personal_channel import PERSONAL_CHANNEL
from bot.channels.wecom_api.callback_fields import MESSAGE_KINDS, message_key, parse_timestamp
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_envelope, parse_xml
from handlers.message import Message

_SCENE = "qrscene_"


class OfficialAccountReceiver:
    """The account's callbacks: plain, compatible or safe, the newest AES key first."""

    def __init__(self, token: str, cryptos: Collection[CallbackCrypto], client: OfficialAccountClient) -> None:
        self._token, self._envelopes, self._client = token, tuple(cryptos), client

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See Door. What is echoed is plain in every mode."""
        self._check(query)
        return query.get("echostr", "")

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        """See Door."""
        self._check(query)
        raw = self._decrypted(query, body) if query.get("encrypt_type", "raw") == "aes" else _plain(body)
        try:
            return InboundMessage(message_key(parse_xml(raw)), raw)
        except (ValueError, KeyError) as error:
            raise CallbackRejected(400, "content") from error

    def _check(self, query: Mapping[str, str]) -> None:
        """The signature that stands on every call. Raises Rejected(403); compared in constant time."""
        pieces = sorted([self._token, query.get("timestamp", ""), query.get("nonce", "")])
        # SHA-1 is the platform's choice, not ours.
        expected = hashlib.sha1("".join(pieces).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode()):
            raise CallbackRejected(403, "signature")

    def _decrypted(self, query: Mapping[str, str], body: bytes) -> str:
        """By the first key that opens it: after a change the platform goes on with the old one for a while."""
        failed = CallbackRejected(403, "no_aes_key")
        for envelope in self._envelopes:
            try:
                return envelope.decrypt_body(query, body)
            except CallbackRejected as rejected:
                failed = rejected
        raise failed

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Door. A field that is not a text counts as empty."""
        fields = parse_xml(raw)
        word = {name: value for name, value in fields.items() if isinstance(value, str)}
        return Message(
            channel=PERSONAL_CHANNEL.channel, realm=PERSONAL_CHANNEL.realm, key=message_key(fields), inbox_id=inbox_id,
            sender=word["FromUserName"], sent_at=parse_timestamp(word["CreateTime"]), received_at=received_at,
            kind=MESSAGE_KINDS.get(word["MsgType"], "unknown"), media=word.get("MediaId") or None, **_said(word),
        )  # fmt: skip

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Door."""
        return self._client.fetch(media)

    def diagnose(self) -> str | None:
        """What is wrong with the account's settings, None when the platform takes them; says nothing to anybody."""
        try:
            self._client.get("getcallbackip")
        except ChannelError as error:
            return error.detail
        return None


def _plain(body: bytes) -> str:
    """A callback's body in plain mode: XML with no entities, or Rejected(400)."""
    parse_envelope(body)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise CallbackRejected(400, "content") from error


def _said(word: dict[str, str]) -> dict[str, Any]:
    """What was written; of an event its name, the parameter of a scanned code, and the message it is about."""
    event = word.get("Event", "")
    if not event:
        return {"text": word.get("Content", "")}
    if event == "TEMPLATESENDJOBFINISH":
        return {"event": event, "related_key": word.get("MsgID", ""), "text": word.get("Status", "")}
    return {"event": event, "text": word.get("EventKey", "").removeprefix(_SCENE)}
