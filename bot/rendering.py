"""From a notice to what a channel is handed: the sentence filled in, and made to fit.

Limits are bytes of UTF-8. A list that is too long is shortened and says how much it leaves out, or,
for a reminder wave, continued in a further message; a sentence is never cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.channels.base import Body
from bot.texts import say
from storage.models import Notice

_CARD_TITLE_BYTES, _CARD_TEXT_BYTES, _LABEL_BYTES = 100, 400, 128


@dataclass(frozen=True)
class Rendered:
    """What to send now, and the rows for which this message had no room."""

    body: Body
    left_over: list[Any]


class Renderer:
    """Renders notices; in a rehearsal every one of them says so."""

    def __init__(self, rehearsal: bool) -> None:
        self._prefix = say("rehearsal.prefix") if rehearsal else ""

    def text(self, key: str, params: dict[str, Any], limit: int) -> str:
        """A sentence of at most `limit` bytes."""
        whole = self._prefix + say(key, **params)
        lists = [name for name, value in params.items() if isinstance(value, list) and len(value) > 1]
        if size(whole) <= limit or not lists:
            return whole
        longest = max(lists, key=lambda name: len(params[name]))
        return self.text(key, {**params, longest: _shortened(params[longest])}, limit)

    def render(self, notice: Notice, params: dict[str, Any], limit: int) -> Rendered:
        """The body of a notice for a channel whose texts hold `limit` bytes."""
        if notice.form == "wave":
            return self._wave(notice, params, limit)
        if notice.form in ("alert", "buttons", "selection"):
            return Rendered(self._card(notice, params), [])
        body: Body = {"form": notice.form, "text": self.text(notice.text_key, params, limit)}
        body |= {"numbered": notice.kind not in ("system", "question"), "notice": notice.id}
        if notice.form == "card_update":
            body["response_code"] = params["response_code"]
        return Rendered(body, [])

    def _card(self, notice: Notice, params: dict[str, Any]) -> Body:
        title = self.text(f"{notice.text_key}_title", params, _CARD_TITLE_BYTES)
        body: Body = {"form": notice.form, "title": title, "numbered": True}
        body["text"] = self.text(notice.text_key, params, _CARD_TEXT_BYTES)
        if notice.form == "alert":
            body["task_id"] = f"alert-{notice.alert_id}-{notice.id}"
            body["choices"] = [["ack", say("alert.button")]]
        else:
            body["task_id"] = f"question-{params['submission']}-{notice.id}"
            body["choices"] = params["choices"]
            body |= {"label": say("question.choose"), "submit": say("question.submit")}
        return body

    def _wave(self, notice: Notice, params: dict[str, Any], limit: int) -> Rendered:
        """As many rows as fit; the mentions of just those."""
        rows, fitting = params["rows"], len(params["rows"])
        while fitting > 1 and size(self._wave_text(notice, params, fitting)) > limit:
            fitting -= 1
        body: Body = {"form": "text", "text": self._wave_text(notice, params, fitting), "numbered": True}
        for who in ("users", "mobiles"):
            body[who] = list(dict.fromkeys(each for of_one in params[who][:fitting] for each in of_one))
        return Rendered(body, params["codes"][fitting : len(rows)])

    def _wave_text(self, notice: Notice, params: dict[str, Any], fitting: int) -> str:
        first, total = params["offset"] + 1, params["offset"] + len(params["rows"])
        whole = first == 1 and fitting == len(params["rows"])
        count = {"say": "wave.all"} if whole else {"say": "wave.part", "first": first, "last": first + fitting - 1}
        shown = {**params, "owing": total, "rows": params["rows"][:fitting], "count": count}
        return self._prefix + say(notice.text_key, **shown)


def size(text: str) -> int:
    """Bytes as the platform counts them."""
    return len(text.encode())


def _shortened(values: list[Any]) -> list[Any]:
    """Half of a list, with the number left out at its end."""
    last = values[-1]
    left_out = last["number"] if isinstance(last, dict) and last.get("say") == "list.more" else 0
    kept = values[: -1 if left_out else None]
    keep = max(1, len(kept) * 3 // 4 if len(kept) > 4 else len(kept) - 1)
    return [*kept[:keep], {"say": "list.more", "number": left_out + len(kept) - keep}]
