"""Sending through the account: customer service messages and template messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, assert_never

from bot.channels.interface import ChannelLimits, SendResult
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.personal_channel import PERSONAL_CHANNEL
from bot.channels.official_account.templates import TemplateSender
from storage.outbound import (
    CardPayload,
    CardUpdatePayload,
    FileLoader,
    FilePayload,
    LinkPayload,
    MessageForm,
    OutboundMessage,
    Payload,
    TextPayload,
    WelcomePayload,
)


class OfficialAccountChannel:
    """Customer service messages within the reply window, the office's template outside of it."""

    limits = ChannelLimits(
        max_messages=5, period=timedelta(seconds=10), max_text_bytes=2048, max_file_bytes=0, supports_cards=False
    )
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, client: OfficialAccountClient, template_sender: TemplateSender | None) -> None:
        self._client, self._template_sender = client, template_sender
        self.personal_channel = replace(PERSONAL_CHANNEL, template_allowed=template_sender is not None)

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """See Channel. `address` is an openid."""
        if message.by_template and self._template_sender is not None:
            return SendResult(self._template_sender.send(address, message.payload.text))
        self._client.post("message/custom/send", {"touser": address, **self._content(message.payload, load_file)})
        return SendResult()

    def _content(self, payload: Payload, load_file: FileLoader) -> dict[str, Any]:
        match payload:
            case LinkPayload():
                article = {"title": payload.title, "description": payload.text, "url": payload.url}
                return {"msgtype": "news", "news": {"articles": [article]}}
            case FilePayload(form=MessageForm.IMAGE):
                media_id = self._client.upload("image", payload.name, load_file(payload.source))
                return {"msgtype": "image", "image": {"media_id": media_id}}
            case TextPayload() | CardPayload() | CardUpdatePayload() | WelcomePayload() | FilePayload():
                return {"msgtype": "text", "text": {"content": payload.text}}
            case _:
                assert_never(payload)
