"""Receiving through the account: callbacks in the plain, compatible and safe mode, and media."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import CallbackRejected, ChannelError
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.personal_channel import OFFICIAL_ACCOUNT, PERSONAL_CHANNEL
from bot.channels.replay_guard import check_age
from bot.channels.wecom_api.callback_fields import MESSAGE_KINDS, message_key, parse_timestamp
from bot.channels.wecom_api.client import StoreFactory
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_xml
from bot.clock import Clock
from handlers.message import Message
from handlers.urgency import message_priority
from storage.inbox import InboundMessage

# What the platform puts before the parameter of a scanned QR code.
_SCENE = "qrscene_"
# In plain mode the signature does not cover the body, so it is good for one message and not for long.
_PLAIN_MAX_AGE = timedelta(minutes=10)


class OfficialAccountReceiver:
    """`cryptos` are those of the account's AES keys, the newest first; with any, plain bodies are refused."""

    def __init__(
        self,
        token: str,
        cryptos: Collection[CallbackCrypto],
        client: OfficialAccountClient,
        clock: Clock,
        transaction: StoreFactory,
    ) -> None:
        self._token, self._cryptos, self._client = token, tuple(cryptos), client
        self._clock, self._transaction = clock, transaction

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See CallbackReceiver. The echo is plain in every mode."""
        self._check_signature(query)
        return query.get("echostr", "")

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        self._check_signature(query)
        is_encrypted = query.get("encrypt_type", "raw") == "aes"
        if self._cryptos and not is_encrypted:
            raise CallbackRejected(403, "plain_body")
        raw = self._decrypt(query, body) if is_encrypted else _plain(body)
        try:
            fields = parse_xml(raw)
            key, kind = message_key(fields), MESSAGE_KINDS.get(fields["MsgType"], "unknown")
            priority = message_priority(kind, str(fields.get("Content") or ""))
            message = InboundMessage(OFFICIAL_ACCOUNT, key, raw, priority=priority)
        except (ValueError, KeyError) as error:
            raise CallbackRejected(400, "content") from error
        if not is_encrypted:
            self._claim_signature(query, message.key)
        return message

    def _claim_signature(self, query: Mapping[str, str], message_key: str) -> None:
        """Raise CallbackRejected(403) for a signature that came with another message, or that is too old."""
        signed_at = check_age(query, self._clock, _PLAIN_MAX_AGE)
        with self._transaction() as store:
            store.callback_signatures.delete_before(self._clock.now() - _PLAIN_MAX_AGE)
            if not store.callback_signatures.claim(query["signature"], message_key, signed_at):
                raise CallbackRejected(403, "replayed")

    def _check_signature(self, query: Mapping[str, str]) -> None:
        """Raise CallbackRejected(403) unless the signature is right; compared in constant time."""
        pieces = sorted([self._token, query.get("timestamp", ""), query.get("nonce", "")])
        # SHA-1 is prescribed by the platform.
        expected = hashlib.sha1("".join(pieces).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode()):
            raise CallbackRejected(403, "signature")

    def _decrypt(self, query: Mapping[str, str], body: bytes) -> str:
        """With the first key that fits: after a change the platform uses the old key for a while."""
        last_error = CallbackRejected(403, "no_aes_key")
        for crypto in self._cryptos:
            try:
                return crypto.decrypt_body(query, body)
            except CallbackRejected as error:
                last_error = error
        raise last_error

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Receiver. A field that is not a text counts as empty."""
        fields = parse_xml(raw)
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        return Message(
            channel=OFFICIAL_ACCOUNT,
            realm=PERSONAL_CHANNEL.realm,
            key=message_key(fields),
            inbox_id=inbox_id,
            sender=texts["FromUserName"],
            sent_at=parse_timestamp(texts["CreateTime"]),
            received_at=received_at,
            kind=MESSAGE_KINDS.get(texts["MsgType"], "unknown"),
            media=texts.get("MediaId") or None,
            **_content_fields(texts),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        return self._client.fetch(media)

    def diagnose(self) -> str | None:
        try:
            self._client.get("getcallbackip")
        except ChannelError as error:
            return error.detail
        return None


def _plain(body: bytes) -> str:
    """The XML of a callback in plain mode. Raises CallbackRejected(400)."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise CallbackRejected(400, "content") from error


def _content_fields(texts: dict[str, str]) -> dict[str, Any]:
    """The text of a message; of an event its name, the parameter of a QR code, and the message it refers to."""
    event = texts.get("Event", "")
    if not event:
        return {"text": texts.get("Content", "")}
    if event == "TEMPLATESENDJOBFINISH":
        return {"event": event, "related_key": texts.get("MsgID", ""), "text": texts.get("Status", "")}
    return {"event": event, "text": texts.get("EventKey", "").removeprefix(_SCENE)}
