"""The group robot (群机器人): posts into a work group, hears nothing (protocol sheet 6)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.channels.errors import ChannelError, nothing_said
from bot.channels.interface import Attachment, Body, Delivered, Limits, Means, Opened
from bot.channels.wecom_api.http import call, checked, member, session

_UPLOAD_TIMEOUT = (5, 120)
_TITLE_BYTES, _DESCRIPTION_BYTES = 128, 512


class WeComRobotChannel:
    """webhook/send by a robot's key. 20 a minute are allowed; 18 leave room for the platform's own count."""

    line = None
    limits = Limits(messages=18, period=timedelta(minutes=1), text_bytes=2048, file_bytes=20 * 1024 * 1024)
    repeats_are_safe, of_platform = False, True

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/cgi-bin/webhook"
        self._http = session()

    def send(self, address: str, body: Body, attachment: Attachment | None) -> Delivered:
        """See Channel. `address` is the robot's key."""
        content = self._content(address, body, attachment)
        data = json.dumps(content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        checked(call(self._http, "POST", f"{self._url}/send", params={"key": address}, data=data, headers=headers))
        return Delivered()

    def _content(self, key: str, body: Body, attachment: Attachment | None) -> dict[str, Any]:
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
        with nothing_said():
            answer = checked(
                call(
                    self._http, "POST", f"{self._url}/upload_media", params={"key": key, "type": "file"},
                    files={"media": (name, content)}, timeout=_UPLOAD_TIMEOUT,
                )
            )  # fmt: skip
        return member(answer, "media_id")

    def fault(self, key: str) -> str | None:
        """What is wrong with a robot's key, None when it works; posts nothing into the group."""
        try:
            self._upload(key, "doctor.txt", b"night patrol doctor")
        except ChannelError as error:
            return error.detail
        return None

    def platform_time(self) -> str | None:
        """The platform's own clock as it states it in an HTTP answer. Raises ChannelError."""
        return call(self._http, "GET", f"{self._url}/send").headers.get("Date")


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def opened(means: Means) -> Opened:
    """Always on: each group brings its own key."""
    return Opened(WeComRobotChannel(means.config.WECOM_API_URL), platform=means.config.WECOM_API_URL)
