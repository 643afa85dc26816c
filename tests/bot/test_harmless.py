"""Texts from strangers and from the register are plain words in every text, form and channel."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.channels.interface import ChannelLimits
from bot.delivery.harmless import harmless_file_name, harmless_text
from bot.delivery.rendering import Renderer
from bot.texts import all_texts
from storage.db.models import Notice
from storage.notices import NoticeForm
from storage.outbound import CardPayload

# One name with everything in it: a link of the apps, links, mentions and fonts of markdown, quotation marks that end
# ours, lines of its own, a header, direction overrides, zero-width and control characters, fillers.
HOSTILE = (
    '#<a href="https://evil.example">点我</a>[点我](https://evil.example)<@all><font color="warning">`急`**急**'
    "\\”请拨打 110“\n✅ 收到 1124-9999\r\nBcc: evil@example.org\u2028"
    "甲\u202e乙\u2066丙\u200b丁\ufeff\x1b[31m\x00\u3164\t"
)
PLAIN = "甲"
LIMITS = ChannelLimits(max_messages=1, period=timedelta(minutes=1), max_text_bytes=10**6, max_file_bytes=0)
# Characters with which a text can do more than be read.
ACTIVE = {False: "<>“”\n\r\u2028", True: "<>“”\n\r\u2028[]`*\\"}


def params_of(key: str, value: Any) -> dict[str, Any]:
    """A value for every placeholder of a text."""
    params: dict[str, Any] = {}
    for field in filter(None, (each[1] for each in string.Formatter().parse(all_texts()[key]))):
        name, indexed, entry = field.rstrip("]").partition("[")
        params[name] = {**params.get(name, {}), entry: value} if indexed else value
    return params


def count_active(text: str, *, markdown: bool) -> dict[str, int]:
    return {character: text.count(character) for character in ACTIVE[markdown]}


def check_harmless(text: str, reference: str, *, markdown: bool) -> None:
    """Markup, quotation marks and line breaks are those of our own text, and nothing in it is invisible."""
    assert count_active(text, markdown=markdown) == count_active(reference, markdown=markdown)
    assert {unicodedata.category(each) for each in text} & {"Cf", "Cs"} == set()
    assert {each for each in text if unicodedata.category(each) == "Cc"} <= {"\n"}
    assert "\u3164" not in text
    if markdown:
        assert line_starts(text) == line_starts(reference)


def line_starts(text: str) -> list[str]:
    """The beginnings of a heading, a list or a table in markdown."""
    return [line[:1] for line in text.split("\n") if line[:1] in set("#-+=|")]


WRAPPED: dict[str, Callable[[str], Any]] = {
    "itself": lambda name: name,
    "in a list": lambda name: [name, name],
    "in a text": lambda name: {"say": "wave.enterprise_parts", "name": name, "parts": [name, name]},
    "in texts": lambda name: [{"say": "daily_summary.missing", "names": [name]}] * 2,
}


@pytest.mark.parametrize("markdown", [False, True], ids=["text", "markdown"])
@pytest.mark.parametrize("how", WRAPPED)
def test_a_hostile_parameter_of_any_text_is_plain_words(how: str, markdown: bool) -> None:
    renderer = Renderer(rehearsal=False)
    for key in all_texts():
        text, reference = (
            renderer.render_text(key, params_of(key, WRAPPED[how](name)), 10**6, markdown=markdown)
            for name in (HOSTILE, PLAIN)
        )
        check_harmless(text, reference, markdown=markdown)


def test_ordinary_names_are_left_alone() -> None:
    for name in ("3#储罐区", "A-1 泵房", "甲、乙", "张三（13800000000）", "zhang_san@corp", "50%~60%", "😀", "𠮷野"):
        assert harmless_text(name, markdown=True) == name


@pytest.mark.parametrize("form", [form for form in NoticeForm if form is not NoticeForm.WAVE])
@pytest.mark.parametrize("markdown", [False, True], ids=["text", "markdown"])
def test_every_form_is_harmless(form: NoticeForm, markdown: bool) -> None:
    shown, reference = (list(shown_of(form, name, markdown=markdown)) for name in (HOSTILE, PLAIN))
    for text, plain in zip(shown, reference, strict=True):
        check_harmless(text, plain, markdown=markdown and not form.is_card)


def shown_of(form: NoticeForm, name: str, *, markdown: bool) -> Iterator[str]:
    """Everything that a person sees of a notice in this form."""
    keys = {
        NoticeForm.ALERT: "alert.emergency_card",
        NoticeForm.REVIEW: "review.card",
        NoticeForm.BINDING: "binding.added_card",
    }
    key = keys.get(form, "question.part_card")
    notice = Notice(id=1, night=date(2026, 11, 24), form=form, text_key=key, alert_id=1, params={})
    params = {
        **params_of(key, name),
        **params_of(f"{key}_title", name),
        "film": 7,
        "submission": 7,
        "binding": 7,
        "response_code": "c",
    }
    limits = replace(LIMITS, markdown=markdown)
    params["choices"] = [["7:part:1", name], ["7:part:2", {"say": "question.card_answered", "label": name}]]
    payload = Renderer(rehearsal=False).render(notice, params, limits).payload
    yield payload.text
    if isinstance(payload, CardPayload):
        yield payload.title
        yield from (choice.label for choice in payload.choices)


def test_a_wave_mentions_people_and_never_everybody() -> None:
    notice = Notice(id=1, night=date(2026, 11, 24), form=NoticeForm.WAVE, text_key="wave.missing", params={})
    row = {"say": "wave.enterprise_parts", "name": HOSTILE, "parts": [HOSTILE]}
    params = {
        "wave": 1, "night": "11-24", "closes": "06:00", "offset": 0, "rows": [row], "codes": ["<E001>"],
        "users": [["p1", "@all", "@ALL"]], "mobiles": [["@all"]],
    }  # fmt: skip
    payload: Any = Renderer(rehearsal=False).render(notice, params, LIMITS).payload
    plain: Any = (
        Renderer(rehearsal=False)
        .render(notice, {**params, "rows": [{**row, "name": PLAIN, "parts": [PLAIN]}]}, LIMITS)
        .payload
    )
    check_harmless(payload.text, plain.text, markdown=False)
    assert (payload.mention_users, payload.mention_mobiles) == (("p1",), ())


def test_a_file_name_names_no_folder() -> None:
    assert harmless_file_name("../../etc\\passwd\r\n.mp4") == "..／..／etc＼passwd .mp4"
