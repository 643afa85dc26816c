"""From a notice to its payload: the sentence with its parameters made harmless, shortened to the channel's limit.

Limits are bytes of UTF-8. A list that is too long is shortened and ends with the number of its missing items; a
reminder wave is continued in a further message instead. A sentence is never cut.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.channels.interface import ChannelLimits
from bot.delivery.harmless import harmless
from bot.texts import MORE, fill, is_more, say
from handlers.review.verdicts import VERDICTS
from storage.db.models import Notice
from storage.notices import NoticeForm
from storage.outbound import (
    EVERYBODY,
    CardPayload,
    CardUpdatePayload,
    Choice,
    Dropdown,
    Payload,
    TextPayload,
    WelcomePayload,
)

_CARD_TITLE_BYTES, _CARD_TEXT_BYTES = 100, 400


@dataclass(frozen=True)
class Rendered:
    """What to send now, and the enterprise codes of a wave for which it has no room."""

    payload: Payload
    remaining: list[Any] = field(default_factory=list)


class Renderer:
    """Renders notices; in a rehearsal every text begins with a warning."""

    def __init__(self, rehearsal: bool) -> None:
        self._prefix = say("rehearsal.prefix") if rehearsal else ""

    def render_text(self, key: str, params: dict[str, Any], max_bytes: int, *, markdown: bool = False) -> str:
        """At most `max_bytes`, unless no list is left to shorten."""
        params = harmless(params, markdown=markdown)
        text = self._prefix + say(key, **params)
        while utf8_size(text) > max_bytes and (shorter := _shorten(params)) is not None:
            params = shorter
            text = self._prefix + say(key, **params)
        return text

    def render(self, notice: Notice, params: dict[str, Any], limits: ChannelLimits) -> Rendered:
        """The payload of a notice for a channel with these limits."""
        form = NoticeForm(notice.form)
        if form is NoticeForm.WAVE:
            return self._wave(notice, params, limits)
        if form.is_card:
            return Rendered(self._card(notice, form, params))
        text = self.render_text(notice.text_key, params, limits.max_text_bytes, markdown=limits.markdown)
        if form is NoticeForm.CARD_UPDATE:
            return Rendered(CardUpdatePayload(text=text, response_code=params["response_code"]))
        if form is NoticeForm.WELCOME:
            return Rendered(WelcomePayload(text=text, response_code=params["response_code"]))
        return Rendered(TextPayload(text=text))

    def _card(self, notice: Notice, form: NoticeForm, params: dict[str, Any]) -> CardPayload:
        subject, choices = _choices(notice, form, params)
        is_dropdown = form is NoticeForm.SELECTION
        return CardPayload(
            title=self.render_text(f"{notice.text_key}_title", params, _CARD_TITLE_BYTES),
            text=self.render_text(notice.text_key, params, _CARD_TEXT_BYTES),
            task_id=f"{subject}-{notice.id}",
            choices=choices,
            dropdown=Dropdown(label=say("question.select"), submit=say("question.submit")) if is_dropdown else None,
        )

    def _wave(self, notice: Notice, params: dict[str, Any], limits: ChannelLimits) -> Rendered:
        """As many rows as fit, at least one, and the mentions of just those."""
        rows, max_bytes = params["rows"], limits.max_text_bytes
        shown, count = harmless(params, markdown=limits.markdown), len(rows)
        if utf8_size(self._wave_text(notice, shown, count)) > max_bytes:
            sizes = range(2, len(rows))
            count = 1 + bisect_right(sizes, max_bytes, key=lambda n: utf8_size(self._wave_text(notice, shown, n)))
        payload = TextPayload(
            text=self._wave_text(notice, shown, count),
            mention_users=_distinct(params["users"][:count]),
            mention_mobiles=_distinct(params["mobiles"][:count]),
        )
        return Rendered(payload, params["codes"][count : len(rows)])

    def _wave_text(self, notice: Notice, params: dict[str, Any], count: int) -> str:
        first, total = params["offset"] + 1, params["offset"] + len(params["rows"])
        is_whole = first == 1 and count == len(params["rows"])
        part = (
            {"say": "wave.whole_list"}
            if is_whole
            else {"say": "wave.list_range", "first": first, "last": first + count - 1}
        )
        shown = {**params, "outstanding": total, "rows": params["rows"][:count], "shown_range": part}
        return self._prefix + say(notice.text_key, **shown)


def _choices(notice: Notice, form: NoticeForm, params: dict[str, Any]) -> tuple[str, tuple[Choice, ...]]:
    """What a card is about, as its task id begins, and its choices."""
    if form is NoticeForm.ALERT:
        return f"alert-{notice.alert_id}", (Choice("ack", say("alert.acknowledge_button")),)
    if form is NoticeForm.REVIEW:
        film = params["film"]
        return f"review-{film}", tuple(Choice(f"review:{film}:{each}", say(f"verdict.{each}")) for each in VERDICTS)
    if form is NoticeForm.BINDING:
        binding = params["binding"]
        return f"binding-{binding}", (Choice(f"unbind:{binding}", say("binding.undo_button")),)
    subject = params["subject"] if "subject" in params else f"question-{params['submission']}"
    return subject, tuple(Choice(key, fill(harmless(label, markdown=False))) for key, label in params["choices"])


def _distinct(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Without the account that would mention the whole group."""
    distinct = dict.fromkeys(account for accounts in lists for account in accounts)
    return tuple(account for account in distinct if account.lower() != EVERYBODY)


def utf8_size(text: str) -> int:
    """Bytes as the platform counts them."""
    return len(text.encode())


def _shorten(params: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters with their longest list shortened, at whatever depth; None if no list can be."""
    lengths = ((name, _length(value)) for name, value in params.items())
    name, length = max(lengths, key=lambda pair: pair[1], default=("", 0))
    return None if length < 2 else {**params, name: _with_shorter_list(params[name])}


def _length(value: Any) -> int:
    """How many items the longest list in a value has."""
    if isinstance(value, dict):
        return max((_length(each) for each in value.values()), default=0)
    if not isinstance(value, list):
        return 0
    items = [item for item in value if not is_more(item)]
    return max([len(items), *(_length(item) for item in items if isinstance(item, dict))])


def _with_shorter_list(value: Any) -> Any:
    """The value with its longest list shortened."""
    if isinstance(value, dict):
        name = max(value, key=lambda key: _length(value[key]))
        return {**value, name: _with_shorter_list(value[name])}
    lengths = [_length(item) if isinstance(item, dict) else 0 for item in value]
    longest = max(lengths)
    if longest >= len(value):
        index = lengths.index(longest)
        return [*value[:index], _with_shorter_list(value[index]), *value[index + 1 :]]
    return _shorten_list(value)


def _shorten_list(values: list[Any]) -> list[Any]:
    """A list without its last quarter, and the number of missing items at its end."""
    items = [item for item in values if not is_more(item)]
    missing = sum(item["count"] for item in values if is_more(item))
    count = max(1, len(items) * 3 // 4 if len(items) > 4 else len(items) - 1)
    return [*items[:count], {"say": MORE, "count": missing + len(items) - count}]
