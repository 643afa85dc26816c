"""The group robot (群机器人): posts into a work group by its webhook, receives nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, assert_never

from bot.channels.errors import ChannelError, idempotent_call
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, SendResult
from bot.channels.wecom_api.content import cut
from bot.channels.wecom_api.http import UPLOAD_TIMEOUT, new_session, parse_answer, required_field, send_request
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

_TITLE_BYTES, _DESCRIPTION_BYTES = 128, 512


class WeComRobotChannel:
    """The platform allows 20 messages a minute; 18 leave room for a count that differs from ours."""

    personal_channel = None
    limits = ChannelLimits(
        max_messages=18, period=timedelta(minutes=1), max_text_bytes=2048, max_file_bytes=20 * 1024 * 1024
    )
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/cgi-bin/webhook"
        self._http = new_session()

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """See Channel. `address` is the robot's key."""
        data = json.dumps(self._content(address, message.payload, load_file), ensure_ascii=False).encode()
        headers, params = {"Content-Type": "application/json"}, {"key": address}
        parse_answer(send_request(self._http, "POST", f"{self._url}/send", params=params, data=data, headers=headers))
        return SendResult()

    def _content(self, key: str, payload: Payload, load_file: FileLoader) -> dict[str, Any]:
        match payload:
            case LinkPayload():
                title, text = cut(payload.title, _TITLE_BYTES), cut(payload.text, _DESCRIPTION_BYTES)
                return {
                    "msgtype": "news",
                    "news": {"articles": [{"title": title, "description": text, "url": payload.url}]},
                }
            case FilePayload(form=MessageForm.FILE):
                media_id = self._upload(key, payload.name, load_file(payload.source))
                return {"msgtype": "file", "file": {"media_id": media_id}}
            case TextPayload():
                lists = {"mentioned_list": payload.mention_users, "mentioned_mobile_list": payload.mention_mobiles}
                mentions = {name: list(accounts) for name, accounts in lists.items() if accounts}
                return {"msgtype": "text", "text": {"content": payload.text, **mentions}}
            case CardPayload() | CardUpdatePayload() | WelcomePayload() | FilePayload():
                return {"msgtype": "text", "text": {"content": payload.text}}
            case _:
                assert_never(payload)

    def _upload(self, key: str, name: str, content: bytes) -> str:
        params, files = {"key": key, "type": "file"}, {"media": (name, content)}
        url = f"{self._url}/upload_media"
        with idempotent_call():
            response = send_request(self._http, "POST", url, params=params, files=files, timeout=UPLOAD_TIMEOUT)
            return required_field(parse_answer(response), "media_id")

    def diagnose(self, key: str) -> str | None:
        """A description of the problem with a robot's key, None if it works; posts nothing into the group."""
        try:
            self._upload(key, "doctor.txt", b"night patrol doctor")
        except ChannelError as error:
            return error.detail
        return None

    def platform_time(self) -> str | None:
        """The Date header of the platform. Raises ChannelError."""
        return send_request(self._http, "GET", f"{self._url}/send").headers.get("Date")


def build(context: ChannelContext) -> ChannelParts:
    """Always on: each group brings its own key."""
    return ChannelParts(WeComRobotChannel(context.config.WECOM_API_URL), api_url=context.config.WECOM_API_URL)
