"""Receiving through the smart bot: messages of single chats, and of groups where the bot is mentioned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.channels.wecom_aibot import frames, media
from handlers.message import Message


class WeComAibotReceiver:
    """Reads stored frames; they arrive through `bot.intake.aibot_connection`, not by callback."""

    def __init__(self, http_get: media.HttpGet) -> None:
        self._http_get = http_get

    def parse(self, raw: str, inbox_id: int, received_at: datetime) -> Message:
        return frames.parse_message(raw, inbox_id, received_at)

    def fetch(self, media_json: str) -> Iterator[bytes]:
        return media.stream_media(media_json, self._http_get)

    def redact(self, raw: str) -> str:
        return frames.redact_media_keys(raw)
