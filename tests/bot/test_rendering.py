"""Rendering: lists are shortened to the limit, and the number of omitted items is shown."""

from __future__ import annotations

import re

import pytest

from bot.delivery.rendering import Renderer, utf8_size

NAMES = [f"第{number}号危险化学品有限公司" for number in range(1, 91)]
COUNTS = dict.fromkeys(("expected", "on_time", "late", "partial", "missing", "exempt", "unjudged"), 90)


@pytest.mark.parametrize("limit", [600, 2048])
def test_nested_lists_are_shortened_to_the_limit(limit: int) -> None:
    findings = [
        {"say": "daily_summary.missing", "names": NAMES[:60]},
        {"say": "daily_summary.partial", "names": NAMES[60:]},
    ]
    params = {**COUNTS, "night": "11-24", "findings": findings}
    text = Renderer(rehearsal=True).render_text("report.daily", params, limit)
    assert utf8_size(text) <= limit
    assert "\n未报：第1号危险化学品有限公司、" in text
    assert "；部分未报：第61号危险化学品有限公司、" in text
    assert re.findall(r"等，另有\d+(.)", text) == ["家", "家"]


def test_a_text_without_lists_is_never_cut() -> None:
    text = Renderer(rehearsal=False).render_text("question.card_answered", {"label": "名" * 400}, 100)
    assert text == "已记为 " + "名" * 400
