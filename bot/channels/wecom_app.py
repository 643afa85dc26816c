"""The self-built app (自建应用): single chats with members, in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.errors import CallbackRejected, RecipientUnreachable
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, SendResult
from bot.channels.wecom_api.callback_fields import (
    MESSAGE_KINDS,
    digest_key,
    message_key,
    parse_notification,
    parse_sent_at,
    place_text,
)
from bot.channels.wecom_api.cards import build_card, pressed_key
from bot.channels.wecom_api.client import WeComClient
from bot.channels.wecom_api.content import build_content
from bot.channels.wecom_api.crypto import CallbackCrypto, parse_xml
from bot.channels.wecom_api.login import WeComLogin
from bot.config import Config
from handlers.message import Message
from handlers.urgency import message_priority
from storage.inbox import InboundMessage
from storage.outbound import EVERYBODY, CardPayload, CardUpdatePayload, FileLoader, OutboundMessage, Payload
from storage.personal_channels import PersonalChannel

WECOM_APP = PersonalChannel("wecom_app", "wecom")
# The platform requires an interval even if a message cannot be a repeat.
_MIN_DEDUPE_S = 60


class WeComAppReceiver:
    """The callbacks of the app; among them the notifications of customer service and the chat archive."""

    def __init__(self, crypto: CallbackCrypto, client: WeComClient) -> None:
        self._crypto, self._client = crypto, client

    def verify_url(self, query: Mapping[str, str]) -> str:
        """See CallbackReceiver. A `+` in the query may arrive as a space."""
        return self._crypto.decrypt(query, query.get("echostr", "").replace(" ", "+"))

    def receive(self, query: Mapping[str, str], body: bytes) -> InboundMessage:
        raw = self._crypto.decrypt_body(query, body)
        try:
            fields = parse_xml(raw)
            priority = message_priority(_kind(fields), str(fields.get("Content") or ""))
            return InboundMessage(WECOM_APP.channel, _key(fields, raw), raw, parse_notification(fields), priority)
        except (ValueError, KeyError) as error:
            raise CallbackRejected(400, "content") from error

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Receiver. A field that is not a text, contrary to the documentation, counts as empty."""
        fields = parse_xml(raw)
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        return Message(
            channel=WECOM_APP.channel,
            realm=WECOM_APP.realm,
            key=_key(fields, raw),
            inbox_id=inbox_id,
            sender=texts.get("FromUserName", "—"),
            sent_at=parse_sent_at(texts.get("CreateTime"), received_at),
            received_at=received_at,
            kind=_kind(texts),
            text=texts.get("Content", "") or place_text(texts),
            media=texts.get("MediaId") or None,
            file_name=texts.get("FileName") or None,
            event=texts.get("Event", ""),
            button=pressed_key(fields),
            task_id=texts.get("TaskId", ""),
            response_code=texts.get("ResponseCode", ""),
        )

    def fetch(self, media: str) -> Iterator[bytes]:
        return self._client.fetch(media)


def _kind(fields: dict[str, Any]) -> str:
    is_press = fields.get("Event") == "template_card_event"
    return "press" if is_press else MESSAGE_KINDS.get(str(fields.get("MsgType")), "unknown")


def _key(fields: dict[str, Any], raw: str) -> str:
    return digest_key(fields, raw) if parse_notification(fields) else message_key(fields)


class WeComAppChannel:
    """message/send to members. Beyond 30 messages a minute to one member, the platform drops them silently."""

    personal_channel = WECOM_APP
    limits = ChannelLimits(
        max_messages=29,
        period=timedelta(minutes=1),
        max_text_bytes=2048,
        max_file_bytes=20 * 1024 * 1024,
        kept_for_emergencies=3,
    )
    dedupes_repeats, counts_for_outage = True, True

    def __init__(self, client: WeComClient, agent_id: int) -> None:
        self._client, self._agent_id = client, agent_id

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        if isinstance(message.payload, CardUpdatePayload):
            return self._update(address, message.payload)
        interval = int(message.dedupe_window.total_seconds()) or _MIN_DEDUPE_S
        _check_single(address)
        call = {"touser": address, "agentid": self._agent_id, **self._content(message.payload, load_file)}
        dedupe = {"enable_duplicate_check": 1, "duplicate_check_interval": interval}
        answer = self._client.post("message/send", {**call, **dedupe})
        # The platform answers errcode 0 although it did not deliver to the only recipient.
        if answer.get("invaliduser") or answer.get("unlicenseduser"):
            raise RecipientUnreachable(f"not reachable: {address}", 81013)
        return SendResult(answer.get("msgid"), answer.get("response_code"))

    def _content(self, payload: Payload, load_file: FileLoader) -> dict[str, Any]:
        if isinstance(payload, CardPayload):
            return {"msgtype": "template_card", "template_card": build_card(payload)}
        return build_content(self._client, payload, load_file)

    def _update(self, address: str, update: CardUpdatePayload) -> SendResult:
        _check_single(address)
        call = {
            "userids": [address],
            "agentid": self._agent_id,
            "response_code": update.response_code,
            "button": {"replace_name": update.text},
        }
        self._client.post("message/update_template_card", call)
        return SendResult()


def _check_single(address: str) -> None:
    """Raise RecipientUnreachable for an account that the platform reads as everybody or as several."""
    if "|" in address or address.lower() == EVERYBODY:
        raise RecipientUnreachable(f"not a single account: {address}")


def build(context: ChannelContext) -> ChannelParts | None:
    """None unless its settings are complete."""
    config = context.config
    if not config.is_configured(WECOM_APP.channel) or config.WECOM_AGENT_ID is None:
        return None
    secret = config.WECOM_APP_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, context.clock, context.transaction)
    login = WeComLogin(
        client,
        config.WECOM_CORP_ID,
        config.WECOM_AGENT_ID,
        config.WECOM_OAUTH_URL,
        config.WECOM_QR_LOGIN_URL,
        return_url=f"{config.public_url}/login/wecom",
    )
    channel, receiver = WeComAppChannel(client, config.WECOM_AGENT_ID), WeComAppReceiver(_crypto(config), client)
    return ChannelParts(channel, receiver, login=login, api_url=config.WECOM_API_URL)


def _crypto(config: Config) -> CallbackCrypto:
    """Accepts callbacks of our own corp and of linked enterprises."""
    accepted = {config.WECOM_CORP_ID, *config.WECOM_ACCEPTED_CORP_IDS}
    token, key = config.WECOM_CALLBACK_TOKEN.get_secret_value(), config.WECOM_ENCODING_AES_KEY.get_secret_value()
    return CallbackCrypto(token, key, accepted)
