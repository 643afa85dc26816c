"""The fallback addresses (SMS, mail, …) through Apprise, used when WeChat does not deliver an alert."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import apprise

from bot.channels.errors import Misconfigured, Transient
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, SendResult
from storage.outbound import FileLoader, OutboundMessage

log = logging.getLogger(__name__)


class SmsMailChannel:
    """Sends to every configured address; one that accepts is enough."""

    personal_channel = None
    limits = ChannelLimits(max_messages=10, period=timedelta(minutes=1), max_text_bytes=1000, max_file_bytes=0)
    dedupes_repeats, counts_for_outage = False, False

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """See Channel. `address` is ignored: the addresses are a setting."""
        if not self._urls:
            raise Misconfigured("ALERT_FALLBACK_URLS is empty")
        accepted = [self._notify(url, message.payload.text) for url in self._urls]
        if not any(accepted):
            raise Transient("no fallback address accepted the message")
        return SendResult()

    def _notify(self, url: str, text: str) -> bool:
        """A failing plug-in must not stop the others; its URL holds credentials and stays out of the log."""
        target = apprise.Apprise()
        try:
            return bool(target.add(url)) and bool(target.notify(body=text, body_format=apprise.NotifyFormat.TEXT))
        except Exception as error:  # noqa: BLE001 - Apprise has a hundred plug-ins
            log.error("a fallback address failed: %s", type(error).__name__)
            return False


def build(context: ChannelContext) -> ChannelParts:
    """Always on: without addresses, sending raises Misconfigured."""
    return ChannelParts(SmsMailChannel([url.get_secret_value() for url in context.config.ALERT_FALLBACK_URLS]))
