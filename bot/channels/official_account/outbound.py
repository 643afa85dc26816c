"""The account as a way out: customer messages and templates (protocol sheet 10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.channels.interface import Attachment, Body, Delivered, Limits
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.personal_channel import LINE
from bot.channels.official_account.templates import Templates


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
