"""The fallback addresses (SMS, mail, …) through Apprise, used when WeChat does not deliver an alert."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import apprise

from bot.channels.errors import Misconfigured, Transient
from bot.channels.interface import Attachment, Body, Delivered, Limits, Means, Opened

log = logging.getLogger(__name__)


class FallbackChannel:
    """Every configured address at once; one that takes it is enough."""

    line = None
    limits = Limits(messages=10, period=timedelta(minutes=1), text_bytes=1000, file_bytes=0)
    repeats_are_safe, of_platform = False, False

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)

    def send(self, address: str, body: Body, attachment: Attachment | None) -> Delivered:
        """See Channel. `address` is not used: the addresses stand in the settings."""
        if not self._urls:
            raise Misconfigured("ALERT_FALLBACK_URLS is empty")
        taken = [self._notify(url, body["text"]) for url in self._urls]
        if not any(taken):
            raise Transient("none of the fallback addresses took it")
        return Delivered()

    def _notify(self, url: str, text: str) -> bool:
        """One that breaks must not keep the others from being tried; its address stays out of the log."""
        target = apprise.Apprise()
        try:
            return bool(target.add(url)) and bool(target.notify(body=text))
        except Exception as error:  # noqa: BLE001 - a library of a hundred plug-ins
            log.error("a fallback address failed: %s", type(error).__name__)
            return False


def opened(means: Means) -> Opened:
    """Always on: without addresses it says so."""
    return Opened(FallbackChannel([url.get_secret_value() for url in means.config.ALERT_FALLBACK_URLS]))
