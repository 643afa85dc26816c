"""An outside watcher that is told every morning: Healthchecks, Dead Man's Snitch, Uptime Kuma and their like."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.errors import Misconfigured
from bot.channels.interface import Attachment, Body, Delivered, Limits, Means, Opened
from bot.channels.wecom_api.http import call, session

# Some watchers take nothing but a GET.
_ONLY_GET = (404, 405, 501)


class HeartbeatChannel:
    """One address; being told is the message, the line in the body is for people who look there."""

    limits = Limits(messages=10, period=timedelta(minutes=1), text_bytes=2000, file_bytes=0)
    repeats_are_safe, of_platform, line = True, False, None

    def __init__(self, url: str) -> None:
        self._url, self._http = url, session()

    def send(self, address: str, body: Body, attachment: Attachment | None) -> Delivered:
        """See Channel. `address` is not used: it stands in the settings and holds a key."""
        status = self._ask("POST", body["text"])
        if status in _ONLY_GET:
            status = self._ask("GET")
        if status >= 300:
            raise Misconfigured(f"HTTP {status}")
        return Delivered()

    def _ask(self, method: str, text: str | None = None) -> int:
        headers = {"Content-Type": "text/plain; charset=utf-8"} if text else {}
        with call(self._http, method, self._url, data=text.encode() if text else None, headers=headers) as response:
            return response.status_code


def opened(means: Means) -> Opened | None:
    """On where somebody watches from outside."""
    return Opened(HeartbeatChannel(means.config.HEARTBEAT_URL)) if means.config.HEARTBEAT_URL else None
