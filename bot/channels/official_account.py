"""The Official Account (公众号): people who follow it in WeChat, in and out (protocol sheet 10)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.channels.base import Attachment, Body, Delivered, Limits, Means, Opened, Received, Rejected
from bot.channels.callback_fields import KINDS, instant, message_key
from bot.channels.errors import ChannelError
from bot.channels.official_account_client import OfficialAccountClient
from bot.channels.official_account_templates import Templates
from bot.channels.wecom_crypto import Envelope, envelope_fields, xml_fields
from handlers.message import Message
from storage.lines import Line, Window

_NAME = "official_account"
_SCENE = "qrscene_"
# After words of somebody's own, and after a follow, a scan or a press of the menu.
_WORDS, _TOUCH = Window(timedelta(hours=48), 5), Window(timedelta(minutes=1), 3)
LINE = Line(_NAME, _NAME, _WORDS, dict.fromkeys(("subscribe", "SCAN", "CLICK"), _TOUCH))


class OfficialAccountDoor:
    """The account's callbacks: plain, compatible or safe, the newest AES key first."""

    def __init__(self, token: str, envelopes: Collection[Envelope], client: OfficialAccountClient) -> None:
        self._token, self._envelopes, self._client = token, tuple(envelopes), client

    def verify(self, query: Mapping[str, str]) -> str:
        """See Door. What is echoed is plain in every mode."""
        self._check(query)
        return query.get("echostr", "")

    def receive(self, query: Mapping[str, str], body: bytes) -> Received:
        """See Door."""
        self._check(query)
        raw = self._decrypted(query, body) if query.get("encrypt_type", "raw") == "aes" else _plain(body)
        try:
            return Received(message_key(xml_fields(raw)), raw)
        except (ValueError, KeyError) as error:
            raise Rejected(400, "content") from error

    def _check(self, query: Mapping[str, str]) -> None:
        """The signature that stands on every call. Raises Rejected(403); compared in constant time."""
        pieces = sorted([self._token, query.get("timestamp", ""), query.get("nonce", "")])
        # SHA-1 is the platform's choice, not ours.
        expected = hashlib.sha1("".join(pieces).encode(), usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode()):
            raise Rejected(403, "signature")

    def _decrypted(self, query: Mapping[str, str], body: bytes) -> str:
        """By the first key that opens it: after a change the platform goes on with the old one for a while."""
        failed = Rejected(403, "no_aes_key")
        for envelope in self._envelopes:
            try:
                return envelope.opened(query, body)
            except Rejected as rejected:
                failed = rejected
        raise failed

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Door. A field that is not a text counts as empty."""
        fields = xml_fields(raw)
        word = {name: value for name, value in fields.items() if isinstance(value, str)}
        return Message(
            channel=LINE.channel, realm=LINE.realm, key=message_key(fields), inbox_id=inbox_id,
            sender=word["FromUserName"], sent_at=instant(word["CreateTime"]), received_at=received_at,
            kind=KINDS.get(word["MsgType"], "unknown"), media=word.get("MediaId") or None, **_said(word),
        )  # fmt: skip

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Door."""
        return self._client.fetch(media)

    def fault(self) -> str | None:
        """What is wrong with the account's settings, None when the platform takes them; says nothing to anybody."""
        try:
            self._client.get("getcallbackip")
        except ChannelError as error:
            return error.detail
        return None


def _plain(body: bytes) -> str:
    """A callback's body in plain mode: XML with no entities, or Rejected(400)."""
    envelope_fields(body)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Rejected(400, "content") from error


def _said(word: dict[str, str]) -> dict[str, Any]:
    """What was written; of an event its name, the parameter of a scanned code, and the message it is about."""
    event = word.get("Event", "")
    if not event:
        return {"text": word.get("Content", "")}
    if event == "TEMPLATESENDJOBFINISH":
        return {"event": event, "about": word.get("MsgID", ""), "text": word.get("Status", "")}
    return {"event": event, "text": word.get("EventKey", "").removeprefix(_SCENE)}


class OfficialAccountChannel:
    """Customer messages while the account may answer, a template of the office's outside of that."""

    limits = Limits(messages=5, period=timedelta(seconds=10), text_bytes=2048, file_bytes=0, cards=False)
    repeats_are_safe, of_platform = False, True

    def __init__(self, client: OfficialAccountClient, templates: Templates | None) -> None:
        self._client, self._templates = client, templates
        self.line = replace(LINE, unasked=templates is not None)

    def send(self, address: str, body: Body, attachment: Attachment | None) -> Delivered:
        """See Channel."""
        if body.get("unasked") and self._templates is not None:
            return Delivered(platform_id=self._templates.send(address, body["text"]))
        self._client.post("message/custom/send", {"touser": address, **self._content(body, attachment)})
        return Delivered()

    def _content(self, body: Body, attachment: Attachment | None) -> dict[str, Any]:
        if body["form"] == "news":
            article = {"title": body["title"], "description": body["text"], "url": body["url"]}
            return {"msgtype": "news", "news": {"articles": [article]}}
        if body["form"] == "picture" and attachment is not None:
            media_id = self._client.upload("image", body["name"], attachment())
            return {"msgtype": "image", "image": {"media_id": media_id}}
        return {"msgtype": "text", "text": {"content": body["text"]}}


def opened(means: Means) -> Opened | None:
    """The account, when it is configured."""
    config = means.config
    if not config.is_on(_NAME):
        return None
    app_id, secret = config.OFFICIAL_ACCOUNT_APP_ID, config.OFFICIAL_ACCOUNT_APP_SECRET.get_secret_value()
    url, token = config.OFFICIAL_ACCOUNT_API_URL, config.OFFICIAL_ACCOUNT_TOKEN.get_secret_value()
    client = OfficialAccountClient(url, app_id, secret, means.clock, means.transaction, means.guard)
    keys = (config.OFFICIAL_ACCOUNT_ENCODING_AES_KEY, config.OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY)
    envelopes = [Envelope(token, key.get_secret_value(), {app_id}) for key in keys if key.get_secret_value()]
    template = config.OFFICIAL_ACCOUNT_TEMPLATE_ID
    templates = Templates(client, template, means.clock, config.TIMEZONE) if template else None
    channel = OfficialAccountChannel(client, templates)
    return Opened(channel, OfficialAccountDoor(token, envelopes, client), platform=url)
