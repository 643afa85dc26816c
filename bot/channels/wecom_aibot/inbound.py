"""The smart bot as a way in: what came over the wire, and the media it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.channels.wecom_aibot import frames, media
from handlers.message import Message


class WeComAibotReceiver:
    """Messages of single chats, and of groups where the bot is mentioned (protocol sheet 7.1)."""

    # An address dies in five minutes: these go before what can wait three days.
    hurried = True

    def __init__(self, http_get: media.HttpGet) -> None:
        self._get = http_get

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        """See Door."""
        return frames.parse_message(raw, inbox_id, received_at)

    def fetch(self, what: str) -> Iterator[bytes]:
        """See Door."""
        return media.stream_media(what, self._get)

    def redact(self, raw: str) -> str:
        """See Discreet."""
        return frames.redact_media_keys(raw)
