"""Template messages (模板消息): a service notice in the form of the office's own template (protocol sheet 10)."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from bot.channels.errors import Permanent
from bot.channels.official_account.client import OfficialAccountClient
from bot.clock import Clock

_FIELD = re.compile(r"\{\{(\w+)\.DATA\}\}")
# What a field of each kind may hold, in characters; kinds that are not named here hold any line.
_CHARACTERS = {"thing": 20, "character_string": 32, "phrase": 5, "const": 20}
_TIMES = ("time", "date")
# Where the account may not list its templates, the commonest form is supposed.
_USUAL = ("thing1", "time2")


class TemplateSender:
    """The account's one template for what it may say unasked."""

    def __init__(self, client: OfficialAccountClient, template_id: str, clock: Clock, zone: ZoneInfo) -> None:
        self._client, self._template_id, self._clock, self._zone = client, template_id, clock, zone
        self._fields: tuple[str, ...] | None = None

    def send(self, openid: str, text: str) -> str:
        """Say something by the template; the platform's id of the message. Raises ChannelError."""
        message = {"touser": openid, "template_id": self._template_id, "data": self._filled(text)}
        return str(self._client.post("message/template/send", message).get("msgid", ""))

    def _filled(self, text: str) -> dict[str, dict[str, str]]:
        """The words spread over the fields for words, the time in those for a time; no field stays empty."""
        rest, data = " ".join(text.split()), {}
        now = f"{self._clock.now().astimezone(self._zone):%Y年%m月%d日 %H:%M}"
        fields = self._form()
        room = [field for field in fields if _kind(field) not in _TIMES]
        for field in fields:
            if _kind(field) in _TIMES:
                data[field] = {"value": now}
                continue
            most = _CHARACTERS.get(_kind(field), len(rest) or 1)
            piece, rest = _split(rest, most, last=field == room[-1])
            data[field] = {"value": piece or "—"}
        return data

    def _form(self) -> tuple[str, ...]:
        """The names of the template's fields, as the account's own list has them; asked for once."""
        if self._fields is None:
            try:
                listed: list[dict[str, Any]] = self._client.get("template/get_all_private_template")["template_list"]
            except (Permanent, KeyError):
                listed = []
            mine = [str(each.get("content", "")) for each in listed if each.get("template_id") == self._template_id]
            self._fields = tuple(_FIELD.findall(mine[0])) if mine else ()
        return self._fields or _USUAL


def _kind(field: str) -> str:
    return field.rstrip("0123456789")


def _split(text: str, most: int, *, last: bool) -> tuple[str, str]:
    """As much as fits, and the rest; the last piece says by its dots that there was more."""
    if last and len(text) > most:
        return text[: most - 1] + "…", ""
    return text[:most], text[most:]
