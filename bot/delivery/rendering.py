"""From a notice to what a channel is handed: the sentence filled in, and made to fit.

Limits are bytes of UTF-8. A list that is too long is shortened and says how much it leaves out, or,
for a reminder wave, continued in a further message; a sentence is never cut.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from bot.channels.interface import OutboundMessage
from bot.texts import say
from handlers.review.verdicts import VERDICTS
from storage.db.models import Notice

_CARD_TITLE_BYTES, _CARD_TEXT_BYTES, _LABEL_BYTES = 100, 400, 128


@dataclass(frozen=True)
class Rendered:
    """What to send now, and the rows for which this message had no room."""

    body: OutboundMessage
    overflow: list[Any]


class Renderer:
    """Renders notices; in a rehearsal every one of them says so."""

    def __init__(self, rehearsal: bool) -> None:
        self._prefix = say("rehearsal.prefix") if rehearsal else ""

    def render_text(self, key: str, params: dict[str, Any], max_bytes: int) -> str:
        """A sentence of at most `limit` bytes."""
        whole = self._prefix + say(key, **params)
        while utf8_size(whole) > max_bytes and (shorter := _shorter(params)) is not None:
            params = shorter
            whole = self._prefix + say(key, **params)
        return whole

    def render(self, notice: Notice, params: dict[str, Any], max_bytes: int) -> Rendered:
        """The body of a notice for a channel whose texts hold `limit` bytes."""
        if notice.form == "wave":
            return self._wave(notice, params, max_bytes)
        if notice.form in ("alert", "buttons", "selection", "review"):
            return Rendered(self._card(notice, params), [])
        body: OutboundMessage = {"form": notice.form, "text": self.render_text(notice.text_key, params, max_bytes)}
        body["numbered"] = notice.kind not in ("system", "question")
        if notice.form in ("card_update", "welcome"):
            body["response_code"] = params["response_code"]
        return Rendered(body, [])

    def _card(self, notice: Notice, params: dict[str, Any]) -> OutboundMessage:
        title = self.render_text(f"{notice.text_key}_title", params, _CARD_TITLE_BYTES)
        body: OutboundMessage = {"form": notice.form, "title": title, "numbered": True}
        body["text"] = self.render_text(notice.text_key, params, _CARD_TEXT_BYTES)
        if notice.form == "alert":
            body["task_id"] = f"alert-{notice.alert_id}-{notice.id}"
            body["choices"] = [["ack", say("alert.acknowledge_button")]]
        elif notice.form == "review":
            body["task_id"] = f"review-{params['film']}-{notice.id}"
            body["choices"] = [[f"review:{params['film']}:{word}", say(f"verdict.{word}")] for word in VERDICTS]
        else:
            body["task_id"] = f"question-{params['submission']}-{notice.id}"
            body["choices"] = params["choices"]
            body |= {"label": say("question.select"), "submit": say("question.submit")}
        return body

    def _wave(self, notice: Notice, params: dict[str, Any], limit: int) -> Rendered:
        """As many rows as fit; the mentions of just those."""
        rows = params["rows"]
        fitting = len(rows)
        if utf8_size(self._wave_text(notice, params, fitting)) > limit:
            sizes = range(2, len(rows))  # one row always goes, and not all do
            fitting = 1 + bisect_right(sizes, limit, key=lambda some: utf8_size(self._wave_text(notice, params, some)))
        body: OutboundMessage = {"form": "text", "text": self._wave_text(notice, params, fitting), "numbered": True}
        for who in ("users", "mobiles"):
            body[who] = list(dict.fromkeys(each for of_one in params[who][:fitting] for each in of_one))
        return Rendered(body, params["codes"][fitting : len(rows)])

    def _wave_text(self, notice: Notice, params: dict[str, Any], fitting: int) -> str:
        first, total = params["offset"] + 1, params["offset"] + len(params["rows"])
        whole = first == 1 and fitting == len(params["rows"])
        count = (
            {"say": "wave.whole_list"}
            if whole
            else {"say": "wave.list_range", "first": first, "last": first + fitting - 1}
        )
        shown = {**params, "owing": total, "rows": params["rows"][:fitting], "count": count}
        return self._prefix + say(notice.text_key, **shown)


def utf8_size(text: str) -> int:
    """Bytes as the platform counts them."""
    return len(text.encode())


def _shorter(params: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters with their longest list made shorter, at whatever depth; None when none can be."""
    name, length = max(((name, _length(value)) for name, value in params.items()), key=lambda each: each[1])
    return None if length < 2 else {**params, name: _with_less(params[name])}


def _length(value: Any) -> int:
    """How many items the longest list in a parameter has; what has been shortened to one is done with."""
    if isinstance(value, dict):
        return max((_length(each) for each in value.values()), default=0)
    if not isinstance(value, list):
        return 0
    within = max((_length(each) for each in value if isinstance(each, dict) and each.get("say") != _MORE), default=0)
    own = [each for each in value if not (isinstance(each, dict) and each.get("say") == _MORE)]
    return max(len(own), within)


def _with_less(value: Any) -> Any:
    """The same with its longest list shortened."""
    if isinstance(value, dict):
        name = max(value, key=lambda each: _length(value[each]))
        return {**value, name: _with_less(value[name])}
    lengths = [_length(each) if isinstance(each, dict) else 0 for each in value]
    if max(lengths) >= len(value):
        at = lengths.index(max(lengths))
        return [*value[:at], _with_less(value[at]), *value[at + 1 :]]
    return _shortened(value)


_MORE = "list.more"


def _shortened(values: list[Any]) -> list[Any]:
    """A quarter less of a list, with the number left out at its end."""
    kept = [each for each in values if not (isinstance(each, dict) and each.get("say") == _MORE)]
    before = sum(each["number"] for each in values if isinstance(each, dict) and each.get("say") == _MORE)
    keep = max(1, len(kept) * 3 // 4 if len(kept) > 4 else len(kept) - 1)
    return [*kept[:keep], {"say": _MORE, "number": before + len(kept) - keep}]
