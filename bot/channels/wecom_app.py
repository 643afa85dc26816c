"""The self-built app (自建应用): single chats with members, in and out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import RecipientUnreachable
from bot.channels.interface import (
    CallbackRejected,
    ChannelContext,
    ChannelLimits,
    ChannelParts,
    FileLoader,
    InboundMessage,
    OutboundMessage,
    SendResult,
    dedupe_window,
)
from bot.channels.wecom_api import cards
from bot.channels.wecom_api.callback_fields import MESSAGE_KINDS, message_key
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_xml
from bot.channels.wecom_api.login import WeComLogin
from bot.channels.wecom_api.source_notifications import digest_key, parse_notification, parse_sent_at
from bot.config import Config
from handlers.message import Message
from storage.personal_channels import PersonalChannel

# The platform wants an interval also where nothing can be a repeat.
_ONCE_S = 60


class WeComAppReceiver:
    """Callbacks of the app (protocol sheet 1)."""

    def __init__(self, crypto: CallbackCrypto, client: WeComClient) -> None:
        self._envelope, self._client = crypto, client

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See Door. A `+` that arrived as a space is put back (1.1)."""
        return self._envelope.decrypt(query, query.get("echostr", "").replace(" ", "+"))

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        """See Door."""
        raw = self._envelope.decrypt_body(query, body)
        try:
            fields = parse_xml(raw)
            bell = parse_notification(fields)
            return InboundMessage(digest_key(fields, raw) if bell else message_key(fields), raw, bell)
        except (ValueError, KeyError) as error:
            raise CallbackRejected(400, "content") from error

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Door. A field that is not a text, contrary to the documents, counts as empty."""
        fields = parse_xml(raw)
        word = {name: value for name, value in fields.items() if isinstance(value, str)}
        event = word.get("Event", "")
        kind = "press" if event == "template_card_event" else MESSAGE_KINDS.get(word.get("MsgType", ""), "unknown")
        return Message(
            channel=WeComAppChannel.personal_channel.channel,
            realm=WeComAppChannel.personal_channel.realm,
            key=digest_key(fields, raw) if parse_notification(fields) else message_key(fields),
            inbox_id=inbox_id,
            sender=word.get("FromUserName", "—"),
            sent_at=parse_sent_at(word.get("CreateTime"), received_at),
            received_at=received_at,
            kind=kind,
            text=word.get("Content", ""),
            media=word.get("MediaId") or None,
            file_name=word.get("FileName") or None,
            event=event,
            button=cards.pressed_key(fields),
            task_id=word.get("TaskId", ""),
            response_code=word.get("ResponseCode", ""),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        """See Door."""
        return self._client.fetch(media)


class WeComAppChannel:
    """message/send to members (protocol sheet 4): at most 30 a minute each, more are silently dropped."""

    personal_channel = PersonalChannel("wecom_app", "wecom")
    limits = ChannelLimits(
        max_messages=28, period=timedelta(minutes=1), max_text_bytes=2048, max_file_bytes=20 * 1024 * 1024
    )
    dedupes_repeats, counts_for_outage = True, True

    def __init__(self, client: WeComClient, agent_id: int) -> None:
        self._client, self._agent_id = client, agent_id

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel."""
        if body["form"] == "card_update":
            return self._update(address, body)
        message = {"touser": address, "agentid": self._agent_id, **self._content(body, load_file)}
        message["enable_duplicate_check"] = 1
        message["duplicate_check_interval"] = int(dedupe_window(body).total_seconds()) or _ONCE_S
        answer = self._client.post("message/send", message)
        # errcode 0 with an invalid user means: not delivered to the one person it was for.
        if answer.get("invaliduser") or answer.get("unlicenseduser"):
            raise RecipientUnreachable(f"not reachable: {address}", 81013)
        return SendResult(answer.get("msgid"), answer.get("response_code"))

    def _content(self, body: OutboundMessage, attachment: FileLoader | None) -> dict[str, Any]:
        if body["form"] in ("alert", "buttons", "selection", "review"):
            return {"msgtype": "template_card", "template_card": cards.build_card(body)}
        if body["form"] == "file" and attachment is not None:
            media_id = self._client.upload("file", body["name"], attachment())
            return {"msgtype": "file", "file": {"media_id": media_id}}
        if body["form"] == "picture" and attachment is not None:
            media_id = self._client.upload("image", body["name"], attachment())
            return {"msgtype": "image", "image": {"media_id": media_id}}
        return {"msgtype": "text", "text": {"content": body["text"]}}

    def _update(self, address: str, body: OutboundMessage) -> SendResult:
        """The card shows what became of it; the code serves once (4.2)."""
        self._client.post(
            "message/update_template_card",
            {
                "userids": [address],
                "agentid": self._agent_id,
                "response_code": body["response_code"],
                "button": {"replace_name": body["text"]},
            },
        )
        return SendResult()


def accepted_corp_ids(corp_id: str, extra: Collection[str]) -> set[str]:
    """The CorpIDs whose callbacks are taken: our own and those of linked enterprises (12.2)."""
    return {corp_id, *extra}


def build(context: ChannelContext) -> ChannelParts | None:
    """The app, when it is configured."""
    config = context.config
    if not config.is_configured("wecom_app") or config.WECOM_AGENT_ID is None:
        return None
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, context.clock, context.transaction)
    login = WeComLogin(
        client, config.WECOM_CORP_ID, config.WECOM_AGENT_ID, config.WECOM_OAUTH_URL, config.WECOM_QR_LOGIN_URL,
        f"{config.public_url}/login/wecom",
    )  # fmt: skip
    channel, door = WeComAppChannel(client, config.WECOM_AGENT_ID), WeComAppReceiver(_envelope(config), client)
    return ChannelParts(channel, door, login=login, api_url=config.WECOM_API_URL)


def _envelope(config: Config) -> CallbackCrypto:
    accepted = accepted_corp_ids(config.WECOM_CORP_ID, config.WECOM_ACCEPTED_CORP_IDS)
    token, key = config.WECOM_CALLBACK_TOKEN.get_secret_value(), config.WECOM_ENCODING_AES_KEY.get_secret_value()
    return CallbackCrypto(token, key, accepted)
