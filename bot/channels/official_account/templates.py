"""Template messages (模板消息): a service notice with the fields of the office's own template."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from bot.channels.errors import Permanent
from bot.channels.official_account.client import OfficialAccountClient
from bot.clock import Clock

_FIELD = re.compile(r"\{\{(\w+)\.DATA\}\}")
# How many characters a field of each kind holds; other kinds hold any line.
_MAX_CHARS = {"thing": 20, "character_string": 32, "phrase": 5, "const": 20}
_TIME_KINDS = ("time", "date")
# Assumed if the account may not list its templates.
_DEFAULT_FIELDS = ("thing1", "time2")


class TemplateSender:
    """Sends with the account's one template."""

    def __init__(self, client: OfficialAccountClient, template_id: str, clock: Clock, zone: ZoneInfo) -> None:
        self._client, self._template_id, self._clock, self._zone = client, template_id, clock, zone
        self._cached_fields: tuple[str, ...] | None = None

    def send(self, openid: str, text: str) -> str:
        """Send a text; the platform's id of the message. Raises ChannelError."""
        message = {"touser": openid, "template_id": self._template_id, "data": self._data(text)}
        return str(self._client.post("message/template/send", message).get("msgid", ""))

    def _data(self, text: str) -> dict[str, dict[str, str]]:
        """The text spread over the text fields, the time in the time fields; the platform refuses empty fields."""
        rest, data = " ".join(text.split()), {}
        now = f"{self._clock.now().astimezone(self._zone):%Y年%m月%d日 %H:%M}"
        fields = self._fields()
        text_fields = [field for field in fields if _kind(field) not in _TIME_KINDS]
        for field in fields:
            if field not in text_fields:
                data[field] = {"value": now}
                continue
            size = _MAX_CHARS.get(_kind(field), len(rest) or 1)
            piece, rest = _split(rest, size, is_last=field == text_fields[-1])
            data[field] = {"value": piece or "—"}
        return data

    def _fields(self) -> tuple[str, ...]:
        """The names of the template's fields, in order, from the account's list of templates; read once."""
        if self._cached_fields is None:
            try:
                templates: list[dict[str, Any]] = self._client.get("template/get_all_private_template")["template_list"]
            except (Permanent, KeyError):
                templates = []
            own = next((each for each in templates if each.get("template_id") == self._template_id), {})
            self._cached_fields = tuple(_FIELD.findall(str(own.get("content", ""))))
        return self._cached_fields or _DEFAULT_FIELDS


def _kind(field: str) -> str:
    return field.rstrip("0123456789")


def _split(text: str, size: int, *, is_last: bool) -> tuple[str, str]:
    """What fits, and the rest; the last piece ends in dots if there is more."""
    if is_last and len(text) > size:
        return text[: size - 1] + "…", ""
    return text[:size], text[size:]
