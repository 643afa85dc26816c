"""An external monitor that expects one request every morning: Healthchecks, Dead Man's Snitch, Uptime Kuma."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.errors import Misconfigured
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, SendResult
from bot.channels.wecom_api.http import new_session, send_request
from storage.outbound import FileLoader, OutboundMessage

# Some monitors accept only a GET.
_NO_POST = (404, 405, 501)


class HeartbeatUrlChannel:
    """One URL. The request is the message; the text in its body is for people who look there."""

    personal_channel = None
    limits = ChannelLimits(max_messages=10, period=timedelta(minutes=1), max_text_bytes=2000, max_file_bytes=0)
    dedupes_repeats, counts_for_outage = True, False

    def __init__(self, url: str) -> None:
        self._url, self._http = url, new_session()

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """See Channel. `address` is ignored: the URL is a setting and holds a key."""
        status = self._request("POST", message.payload.text)
        if status in _NO_POST:
            status = self._request("GET")
        if status >= 300:
            raise Misconfigured(f"HTTP {status}")
        return SendResult()

    def _request(self, method: str, text: str | None = None) -> int:
        data = text.encode() if text else None
        headers = {"Content-Type": "text/plain; charset=utf-8"} if text else {}
        with send_request(self._http, method, self._url, data=data, headers=headers) as response:
            return response.status_code


def build(context: ChannelContext) -> ChannelParts | None:
    """None without HEARTBEAT_URL."""
    return ChannelParts(HeartbeatUrlChannel(context.config.HEARTBEAT_URL)) if context.config.HEARTBEAT_URL else None
