"""WeChat customer service (微信客服): for people who have only WeChat.

The callback is a notification; the messages are polled from a cursor.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bot.channels.errors import CallbackRejected, ChannelError, Transient
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, PollResult, SendResult
from bot.channels.wecom_api.callback_fields import (
    EXTERNAL_REALM,
    WECOM_KF,
    digest_key,
    parse_notification,
    parse_sent_at,
)
from bot.channels.wecom_api.client import StoreFactory, WeComClient
from bot.channels.wecom_api.content import build_content, cut
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_xml
from bot.clock import Clock
from bot.config import Config
from handlers.message import Message
from handlers.urgency import message_priority
from storage.inbox import InboundMessage
from storage.outbound import CardPayload, FileLoader, OutboundMessage, Payload, WelcomePayload
from storage.personal_channels import PersonalChannel, ReplyWindow

# The platform returns up to 1000; callbacks must not wait for a long transaction.
_PAGE_SIZE = 200
# Values of `origin`; the others are messages of human servicers.
_CUSTOMER, _SYSTEM = 3, 4
_KINDS = {
    "text": "text",
    "image": "photo",
    "voice": "voice",
    "video": "film",
    "file": "file",
    "location": "location",
    "link": "link",
    "event": "event",
}
# In place of a file that is too large the platform sends a text, whose wording varies.
_LARGE, _MEDIA = "(?:过大|太大|超过|超出|大小限制)", "(?:视频|文件|图片|语音)"
_TOO_LARGE = re.compile(f"{_MEDIA}.{{0,40}}{_LARGE}|{_LARGE}.{{0,40}}{_MEDIA}", re.DOTALL)
# A menu item has one id: the task id of the card, this, and the key of the button.
_SEPARATOR = "|"
# What a menu holds, in bytes.
_HEAD_BYTES, _LABEL_BYTES = 1024, 128
# The platform counts those who opened the chat by scene.
_INVITE_SCENE = "invite"


class WeComKfReceiver:
    """One customer-service account: its notifications, its messages and their media."""

    # Without the token of a notification, ten calls a minute are allowed.
    min_poll_interval = timedelta(seconds=7)

    def __init__(self, crypto: CallbackCrypto, client: WeComClient, open_kfid: str) -> None:
        self._crypto, self._client, self._open_kfid = crypto, client, open_kfid

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See CallbackReceiver. A `+` in the query may arrive as a space."""
        return self._crypto.decrypt(query, query.get("echostr", "").replace(" ", "+"))

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        raw = self._crypto.decrypt_body(query, body)
        try:
            fields = parse_xml(raw)
        except ValueError as error:
            raise CallbackRejected(400, "content") from error
        if not fields.get("MsgType") and not fields.get("Event"):
            raise CallbackRejected(400, "content")
        is_ours = fields.get("OpenKfId", self._open_kfid) == self._open_kfid
        return InboundMessage(WECOM_KF, digest_key(fields, raw), raw, parse_notification(fields) if is_ours else None)

    def poll(self, cursor: str, token: str | None) -> PollResult:
        call: dict[str, Any] = {"open_kfid": self._open_kfid, "limit": _PAGE_SIZE}
        call |= {"cursor": cursor} if cursor else {}
        call |= {"token": token} if token else {}
        answer = self._client.post("kf/sync_msg", call)
        entries = answer.get("msg_list", [])
        if not isinstance(entries, list):
            raise Transient("msg_list is not a list")
        # An entry without an id could never be handled.
        valid = [entry for entry in entries if isinstance(entry, dict) and entry.get("msgid")]
        return PollResult(
            [_inbound(entry) for entry in valid], str(answer.get("next_cursor") or cursor), bool(answer.get("has_more"))
        )

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Receiver. Messages of human servicers and other callbacks become events that no handler acts on."""
        entry = _entry(raw)
        kind, content = _kind_and_content(entry)
        return Message(
            channel=WECOM_KF,
            realm=EXTERNAL_REALM,
            key=entry["msgid"],
            inbox_id=inbox_id,
            sender=entry.get("external_userid") or content.get("external_userid") or "—",
            sent_at=parse_sent_at(entry.get("send_time"), received_at),
            received_at=received_at,
            **_fields(kind, content),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        return self._client.fetch(media)

    def diagnose(self) -> str | None:
        """See Diagnosable. Creates a link to the chat and does not send it."""
        try:
            self._client.post("kf/add_contact_way", {"open_kfid": self._open_kfid, "scene": "doctor"})
        except ChannelError as error:
            return error.detail
        return None


def _inbound(entry: dict[str, Any]) -> InboundMessage:
    fields = _fields(*_kind_and_content(entry))
    priority = message_priority(fields["kind"], fields["text"])
    return InboundMessage(WECOM_KF, str(entry["msgid"]), json.dumps(entry, ensure_ascii=False), priority=priority)


def _entry(raw: str) -> dict[str, Any]:
    """A stored message: a polled one, or a callback that is no notification, in the same fields."""
    if raw.startswith("{"):
        return dict(json.loads(raw))
    fields = parse_xml(raw)
    sent = fields.get("CreateTime") or 0
    return {"msgid": digest_key(fields, raw), "msgtype": "event", "origin": _SYSTEM, "send_time": sent}


def _kind_and_content(entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = str(entry.get("msgtype")) if entry.get("origin") in (_CUSTOMER, _SYSTEM) else "event"
    content = entry.get(kind)
    return kind, content if isinstance(content, dict) else {}


def _fields(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return _event_fields(content) if kind == "event" else _message_fields(kind, content)


def _message_fields(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    text = str(content.get("content", ""))
    if content.get("menu_id"):
        task_id, _, button = str(content["menu_id"]).rpartition(_SEPARATOR)
        return {"kind": "press", "text": text, "button": button, "task_id": task_id}
    if kind == "text" and _TOO_LARGE.search(text):
        return {"kind": "too_large", "text": text}
    return {
        "kind": _KINDS.get(kind, "unknown"),
        "text": text,
        "media": content.get("media_id") or None,
        "file_name": content.get("filename") or content.get("file_name") or None,
    }


def _event_fields(content: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "event",
        "event": str(content.get("event_type", "")),
        "text": str(content.get("scene_param", "")),
        "response_code": str(content.get("welcome_code", "")),
        "related_key": str(content.get("recall_msgid") or content.get("fail_msgid") or ""),
    }


class WeComKfChannel:
    """kf/send_msg: five messages within 48 hours of a person's last message, then none until their next."""

    personal_channel = PersonalChannel(WECOM_KF, EXTERNAL_REALM, ReplyWindow(timedelta(hours=48), 5))
    limits = ChannelLimits(
        max_messages=5,
        period=timedelta(seconds=10),
        max_text_bytes=2048,
        max_file_bytes=20 * 1024 * 1024,
        cards_always_shown=True,
    )
    dedupes_repeats, counts_for_outage = True, True

    def __init__(self, client: WeComClient, open_kfid: str) -> None:
        self._client, self._open_kfid = client, open_kfid

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        payload = message.payload
        # The platform drops a second message with the same msgid.
        msgid = _msgid(self._open_kfid, address, message)
        call = {"msgid": msgid, **self._content(payload, load_file)}
        if isinstance(payload, WelcomePayload):
            answer = self._client.post("kf/send_msg_on_event", {"code": payload.response_code, **call})
        else:
            answer = self._client.post("kf/send_msg", {"touser": address, "open_kfid": self._open_kfid, **call})
        return SendResult(answer.get("msgid") or msgid)

    def contact_url(self, scene: str) -> str:
        """A link that opens the chat, empty if the platform gives none. Raises ChannelError."""
        answer = self._client.post("kf/add_contact_way", {"open_kfid": self._open_kfid, "scene": scene})
        return str(answer.get("url") or "")

    def _content(self, payload: Payload, load_file: FileLoader) -> dict[str, Any]:
        if isinstance(payload, CardPayload):
            return {"msgtype": "msgmenu", "msgmenu": _menu(payload)}
        return build_content(self._client, payload, load_file)


def _menu(card: CardPayload) -> dict[str, Any]:
    """A card as a menu: a text with a list of items to tap."""
    buttons = [(f"{card.task_id}{_SEPARATOR}{key}", cut(label, _LABEL_BYTES)) for key, label in card.choices]
    items = [{"type": "click", "click": {"id": task_id, "content": label}} for task_id, label in buttons]
    url = f"\n{card.url}" if card.url else ""
    return {"head_content": cut(f"{card.title}\n{card.text}", _HEAD_BYTES - len(url)) + url, "list": items}


def _msgid(open_kfid: str, address: str, message: OutboundMessage) -> str:
    """At most 32 characters are allowed."""
    text = json.dumps([open_kfid, address, message.identity], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def invitation_url(config: Config, clock: Clock, transaction: StoreFactory, code: str) -> str | None:
    """A link into the chat that brings a binding code along; None if the channel is off. Raises ChannelError."""
    if not config.is_configured(WECOM_KF):
        return None
    channel = WeComKfChannel(_client(config, clock, transaction), config.WECOM_KF_OPEN_KFID)
    url = channel.contact_url(_INVITE_SCENE)
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'scene_param': code})}" if url else None


def build(context: ChannelContext) -> ChannelParts | None:
    """None unless its settings are complete."""
    config = context.config
    if not config.is_configured(WECOM_KF):
        return None
    token, key = config.WECOM_KF_TOKEN.get_secret_value(), config.WECOM_KF_ENCODING_AES_KEY.get_secret_value()
    client, account = _client(config, context.clock, context.transaction), config.WECOM_KF_OPEN_KFID
    receiver = WeComKfReceiver(CallbackCrypto(token, key, {config.WECOM_CORP_ID}), client, account)
    return ChannelParts(WeComKfChannel(client, account), receiver, receiver, api_url=config.WECOM_API_URL)


def _client(config: Config, clock: Clock, transaction: StoreFactory) -> WeComClient:
    secret = config.WECOM_KF_SECRET.get_secret_value()
    return WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, clock, transaction, "kf")
