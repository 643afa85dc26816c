"""The group robot (群机器人): posts into a work group, hears nothing (protocol sheet 6)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.channels.errors import ChannelError, idempotent_call
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, FileLoader, OutboundMessage, SendResult
from bot.channels.wecom_api.http import new_session, parse_answer, required_field, send_request

_UPLOAD_TIMEOUT = (5, 120)
_TITLE_BYTES, _DESCRIPTION_BYTES = 128, 512


class WeComRobotChannel:
    """webhook/send by a robot's key. 20 a minute are allowed; 18 leave room for the platform's own count."""

    personal_channel = None
    limits = ChannelLimits(
        max_messages=18, period=timedelta(minutes=1), max_text_bytes=2048, max_file_bytes=20 * 1024 * 1024
    )
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/cgi-bin/webhook"
        self._http = new_session()

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel. `address` is the robot's key."""
        content = self._content(address, body, load_file)
        data = json.dumps(content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        parse_answer(
            send_request(self._http, "POST", f"{self._url}/send", params={"key": address}, data=data, headers=headers)
        )
        return SendResult()

    def _content(self, key: str, body: OutboundMessage, attachment: FileLoader | None) -> dict[str, Any]:
        if body["form"] == "news":
            title, text = _cut(body["title"], _TITLE_BYTES), _cut(body["text"], _DESCRIPTION_BYTES)
            article = {"title": title, "description": text, "url": body["url"]}
            return {"msgtype": "news", "news": {"articles": [article]}}
        if body["form"] == "file" and attachment is not None:
            media_id = self._upload(key, body["name"], attachment())
            return {"msgtype": "file", "file": {"media_id": media_id}}
        mentions = {"mentioned_list": body.get("users", []), "mentioned_mobile_list": body.get("mobiles", [])}
        return {"msgtype": "text", "text": {"content": body["text"], **{k: v for k, v in mentions.items() if v}}}

    def _upload(self, key: str, name: str, content: bytes) -> str:
        with idempotent_call():
            answer = parse_answer(
                send_request(
                    self._http, "POST", f"{self._url}/upload_media", params={"key": key, "type": "file"},
                    files={"media": (name, content)}, timeout=_UPLOAD_TIMEOUT,
                )
            )  # fmt: skip
        return required_field(answer, "media_id")

    def diagnose(self, key: str) -> str | None:
        """What is wrong with a robot's key, None when it works; posts nothing into the group."""
        try:
            self._upload(key, "doctor.txt", b"night patrol doctor")
        except ChannelError as error:
            return error.detail
        return None

    def platform_time(self) -> str | None:
        """The platform's own clock as it states it in an HTTP answer. Raises ChannelError."""
        return send_request(self._http, "GET", f"{self._url}/send").headers.get("Date")


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def build(context: ChannelContext) -> ChannelParts:
    """Always on: each group brings its own key."""
    return ChannelParts(WeComRobotChannel(context.config.WECOM_API_URL), api_url=context.config.WECOM_API_URL)
