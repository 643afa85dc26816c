"""WeChat customer service (微信客服): people who have nothing but WeChat (protocol sheet 9).

The callback is a bell; what was said is fetched from where the last fetch ended.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import ChannelError, Transient
from bot.channels.interface import (
    CallbackRejected,
    ChannelContext,
    ChannelLimits,
    ChannelParts,
    FileLoader,
    InboundMessage,
    OutboundMessage,
    PollResult,
    SendResult,
)
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_xml
from bot.channels.wecom_api.source_notifications import (
    EXTERNAL_REALM,
    WECOM_KF,
    digest_key,
    parse_notification,
    parse_sent_at,
)
from handlers.message import Message
from storage.personal_channels import PersonalChannel, ReplyWindow

# As many as one transaction keeps without a callback having to wait for it; the platform gives up to 1000.
_AT_ONCE = 200
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
# What is too large to be handed on arrives as a notice in words, not worded the same everywhere (9).
_LARGE, _THING = "(?:过大|太大|超过|超出|大小限制)", "(?:视频|文件|图片|语音)"
_TOO_LARGE = re.compile(f"{_THING}.{{0,40}}{_LARGE}|{_LARGE}.{{0,40}}{_THING}", re.DOTALL)
# In a menu's answer the card it stood on comes before the button.
_SEPARATOR = "|"


class WeComKfReceiver:
    """One customer-service account: its bell, its messages and their media."""

    # Without a bell's token, ten calls a minute.
    min_poll_interval = timedelta(seconds=7)

    def __init__(self, crypto: CallbackCrypto, client: WeComClient, open_kfid: str) -> None:
        self._envelope, self._client, self._open_kfid = crypto, client, open_kfid

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See Door. A `+` that arrived as a space is put back (1.1)."""
        return self._envelope.decrypt(query, query.get("echostr", "").replace(" ", "+"))

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        """See Door."""
        raw = self._envelope.decrypt_body(query, body)
        try:
            fields = parse_xml(raw)
        except ValueError as error:
            raise CallbackRejected(400, "content") from error
        if not fields.get("MsgType") and not fields.get("Event"):
            raise CallbackRejected(400, "content")
        ours = fields.get("OpenKfId", self._open_kfid) == self._open_kfid
        return InboundMessage(digest_key(fields, raw), raw, parse_notification(fields) if ours else None)

    def poll(self, cursor: str, token: str | None) -> PollResult:
        """See Source."""
        asked: dict[str, Any] = {"open_kfid": self._open_kfid, "limit": _AT_ONCE}
        asked |= {"cursor": cursor} if cursor else {}
        asked |= {"token": token} if token else {}
        answer = self._client.post("kf/sync_msg", asked)
        messages = answer.get("msg_list", [])
        if not isinstance(messages, list):
            raise Transient("a list of messages that is none")
        kept = [received for each in messages if (received := _received(each)) is not None]
        return PollResult(kept, str(answer.get("next_cursor") or cursor), bool(answer.get("has_more")))

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Door. A callback that was no bell concerns nobody; a servicer's own words are left alone."""
        told = _message(raw)
        kind = str(told.get("msgtype")) if told.get("origin") in (_CUSTOMER, _SYSTEM) else "event"
        content = told.get(kind, {}) if isinstance(told.get(kind), dict) else {}
        common: dict[str, Any] = {
            "channel": WECOM_KF,
            "realm": WeComKfChannel.personal_channel.realm,
            "key": told["msgid"],
            "inbox_id": inbox_id,
            "sender": told.get("external_userid") or content.get("external_userid") or "—",
            "sent_at": parse_sent_at(told.get("send_time"), received_at),
            "received_at": received_at,
        }
        if kind == "event":
            return Message(**common, **_event(content))
        return Message(**common, **_said(kind, content))

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Door."""
        return self._client.fetch(media)

    def diagnose(self) -> str | None:
        """See Examined. A link into the chat is made, which nobody is sent."""
        try:
            self._client.post("kf/add_contact_way", {"open_kfid": self._open_kfid, "scene": "doctor"})
        except ChannelError as error:
            return error.detail
        return None


def _received(message: Any) -> InboundMessage | None:
    """A message as it is kept; one that is none would only fail for ever."""
    if not isinstance(message, dict) or not message.get("msgid"):
        return None
    return InboundMessage(str(message["msgid"]), json.dumps(message, ensure_ascii=False))


def _message(raw: str) -> dict[str, Any]:
    """What a row holds: a message that was fetched, or a callback of another kind."""
    if raw.startswith("{"):
        return dict(json.loads(raw))
    fields = parse_xml(raw)
    sent = fields.get("CreateTime") or 0
    return {"msgid": digest_key(fields, raw), "msgtype": "event", "origin": _SYSTEM, "send_time": sent}


def _said(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    text = str(content.get("content", ""))
    if content.get("menu_id"):
        card, _, button = str(content["menu_id"]).rpartition(_SEPARATOR)
        return {"kind": "press", "text": text, "button": button, "task_id": card}
    if kind == "text" and _TOO_LARGE.search(text):
        return {"kind": "too_large", "text": text}
    return {
        "kind": _KINDS.get(kind, "unknown"),
        "text": text,
        "media": content.get("media_id") or None,
        "file_name": content.get("filename") or content.get("file_name") or None,
    }


def _event(content: dict[str, Any]) -> dict[str, Any]:
    about = content.get("recall_msgid") or content.get("fail_msgid") or ""
    return {
        "kind": "event",
        "event": str(content.get("event_type", "")),
        "text": str(content.get("scene_param", "")),
        "response_code": str(content.get("welcome_code", "")),
        "related_key": str(about),
    }


class WeComKfChannel:
    """kf/send_msg: within 48 hours of a person's last words at most five messages, until the next ones."""

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

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel."""
        message = self._content(body, load_file)
        # Its own number for each message, the same for a repeat: the platform tells no person twice.
        known = {"msgid": _msgid(self._open_kfid, address, body)}
        if body["form"] == "welcome":
            answer = self._client.post("kf/send_msg_on_event", {"code": body["response_code"], **known, **message})
        else:
            to = {"touser": address, "open_kfid": self._open_kfid}
            answer = self._client.post("kf/send_msg", {**to, **known, **message})
        return SendResult(answer.get("msgid") or known["msgid"])

    def contact_url(self, scene: str) -> str:
        """Where a person opens the chat. Raises ChannelError."""
        answer = self._client.post("kf/add_contact_way", {"open_kfid": self._open_kfid, "scene": scene})
        return str(answer.get("url") or "")

    def _content(self, body: OutboundMessage, attachment: FileLoader | None) -> dict[str, Any]:
        if "choices" in body:
            return {"msgtype": "msgmenu", "msgmenu": _menu(body)}
        if body["form"] == "file" and attachment is not None:
            media_id = self._client.upload("file", body["name"], attachment())
            return {"msgtype": "file", "file": {"media_id": media_id}}
        if body["form"] == "picture" and attachment is not None:
            media_id = self._client.upload("image", body["name"], attachment())
            return {"msgtype": "image", "image": {"media_id": media_id}}
        return {"msgtype": "text", "text": {"content": body["text"]}}


def _menu(body: OutboundMessage) -> dict[str, Any]:
    """What other channels show as a card with buttons is a list of words to tap here."""
    choices = [
        {"type": "click", "click": {"id": f"{body['task_id']}{_SEPARATOR}{key}", "content": label}}
        for key, label in body["choices"]
    ]
    head = [body["title"], body["text"], *([body["url"]] if "url" in body else [])]
    return {"head_content": "\n".join(head), "list": choices}


def _msgid(open_kfid: str, address: str, body: OutboundMessage) -> str:
    told = json.dumps([open_kfid, address, body], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def build(context: ChannelContext) -> ChannelParts | None:
    """The account, when it is configured."""
    config = context.config
    if not config.is_configured(WECOM_KF):
        return None
    token, key = config.WECOM_KF_TOKEN.get_secret_value(), config.WECOM_KF_ENCODING_AES_KEY.get_secret_value()
    secret, account = config.WECOM_KF_SECRET.get_secret_value(), config.WECOM_KF_OPEN_KFID
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, context.clock, context.transaction, "kf")
    door = WeComKfReceiver(CallbackCrypto(token, key, {config.WECOM_CORP_ID}), client, account)
    return ChannelParts(WeComKfChannel(client, account), door, door, api_url=config.WECOM_API_URL)
