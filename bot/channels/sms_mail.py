"""The fallback addresses (SMS, mail, …) through Apprise, used when WeChat does not deliver an alert."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import apprise

from bot.channels.errors import Misconfigured, Transient
from bot.channels.interface import ChannelContext, ChannelLimits, ChannelParts, FileLoader, OutboundMessage, SendResult

log = logging.getLogger(__name__)


class SmsMailChannel:
    """Every configured address at once; one that takes it is enough."""

    personal_channel = None
    limits = ChannelLimits(max_messages=10, period=timedelta(minutes=1), max_text_bytes=1000, max_file_bytes=0)
    dedupes_repeats, counts_for_outage = False, False

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel. `address` is not used: the addresses stand in the settings."""
        if not self._urls:
            raise Misconfigured("ALERT_FALLBACK_URLS is empty")
        taken = [self._notify(url, body["text"]) for url in self._urls]
        if not any(taken):
            raise Transient("none of the fallback addresses took it")
        return SendResult()

    def _notify(self, url: str, text: str) -> bool:
        """One that breaks must not keep the others from being tried; its address stays out of the log."""
        target = apprise.Apprise()
        try:
            return bool(target.add(url)) and bool(target.notify(body=text))
        except Exception as error:  # noqa: BLE001 - a library of a hundred plug-ins
            log.error("a fallback address failed: %s", type(error).__name__)
            return False


def build(context: ChannelContext) -> ChannelParts:
    """Always on: without addresses it says so."""
    return ChannelParts(SmsMailChannel([url.get_secret_value() for url in context.config.ALERT_FALLBACK_URLS]))
