"""An outside watcher that is told every morning: Healthchecks, Dead Man's Snitch, Uptime Kuma and their like."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.errors import Misconfigured
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, FileLoader, OutboundMessage, SendResult
from bot.channels.wecom_api.http import new_session, send_request

# Some watchers take nothing but a GET.
_ONLY_GET = (404, 405, 501)


class HeartbeatUrlChannel:
    """One address; being told is the message, the line in the body is for people who look there."""

    limits = ChannelLimits(max_messages=10, period=timedelta(minutes=1), max_text_bytes=2000, max_file_bytes=0)
    dedupes_repeats, counts_for_outage, personal_channel = True, False, None

    def __init__(self, url: str) -> None:
        self._url, self._http = url, new_session()

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel. `address` is not used: it stands in the settings and holds a key."""
        status = self._ask("POST", body["text"])
        if status in _ONLY_GET:
            status = self._ask("GET")
        if status >= 300:
            raise Misconfigured(f"HTTP {status}")
        return SendResult()

    def _ask(self, method: str, text: str | None = None) -> int:
        headers = {"Content-Type": "text/plain; charset=utf-8"} if text else {}
        with send_request(
            self._http, method, self._url, data=text.encode() if text else None, headers=headers
        ) as response:
            return response.status_code


def build(context: ChannelContext) -> ChannelParts | None:
    """On where somebody watches from outside."""
    return ChannelParts(HeartbeatUrlChannel(context.config.HEARTBEAT_URL)) if context.config.HEARTBEAT_URL else None
