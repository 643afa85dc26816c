"""The account as a way out: customer messages and templates (protocol sheet 10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.channels.interface import ChannelLimits, FileLoader, OutboundMessage, SendResult
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.personal_channel import PERSONAL_CHANNEL
from bot.channels.official_account.templates import TemplateSender


class OfficialAccountChannel:
    """Customer messages while the account may answer, a template of the office's outside of that."""

    limits = ChannelLimits(
        max_messages=5, period=timedelta(seconds=10), max_text_bytes=2048, max_file_bytes=0, supports_cards=False
    )
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, client: OfficialAccountClient, template_sender: TemplateSender | None) -> None:
        self._client, self._templates = client, template_sender
        self.personal_channel = replace(PERSONAL_CHANNEL, template_allowed=template_sender is not None)

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel."""
        if body.get("unasked") and self._templates is not None:
            return SendResult(platform_message_id=self._templates.send(address, body["text"]))
        self._client.post("message/custom/send", {"touser": address, **self._content(body, load_file)})
        return SendResult()

    def _content(self, body: OutboundMessage, attachment: FileLoader | None) -> dict[str, Any]:
        if body["form"] == "news":
            article = {"title": body["title"], "description": body["text"], "url": body["url"]}
            return {"msgtype": "news", "news": {"articles": [article]}}
        if body["form"] == "picture" and attachment is not None:
            media_id = self._client.upload("image", body["name"], attachment())
            return {"msgtype": "image", "image": {"media_id": media_id}}
        return {"msgtype": "text", "text": {"content": body["text"]}}
