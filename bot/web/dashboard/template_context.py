"""What every template has at hand: the sentences, our files, who is looking, and the county's time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Flask
from flask_login import current_user

from bot.texts import say, sentences
from bot.unit_of_work import Memory
from bot.web.assets import asset
from handlers.permissions import Viewer

# Where one can go: address, sentence, and the action that opens it. Pages add themselves here.
MENU = (
    ("/", "menu.tonight", "tonight.see"),
    ("/films", "menu.films", "films.watch"),
    ("/review", "menu.review", "review.see"),
    ("/history", "menu.history", "history.see"),
    ("/office", "menu.office", "office.see"),
    ("/trail", "menu.trail", "trail.see"),
)
_MARKS = ("remark", "fault")
# htmx neither evaluates words of a page nor writes styles into it: the policy forbids both.
HTMX = {
    "allowEval": False, "includeIndicatorStyles": False, "selfRequestsOnly": True, "historyCacheSize": 0,
    "refreshOnHistoryMiss": True, "scrollBehavior": "auto",
}  # fmt: skip


def furnish(app: Flask, memory: Memory) -> None:
    """Give the templates of an application what they need."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        say=say, asset=asset, htmx_config=json.dumps(HTMX), rehearsal=_rehearsing(memory), mark_words=mark_words
    )

    def local(instant: datetime, form: str = "%H:%M") -> str:
        return instant.astimezone(memory.zone).strftime(form)

    app.jinja_env.filters["local"] = local

    @app.context_processor
    def looking() -> dict[str, Any]:
        found = viewer_now()
        menu = [(path, key) for path, key, action in MENU if found is not None and found.may(action)]
        return {"viewer": found, "menu": menu}


def mark_words(mark: str) -> str:
    """What was noted of a film, in words."""
    key = next((f"{section}.{mark}" for section in _MARKS if f"{section}.{mark}" in sentences()), None)
    return say(key) if key else mark


def viewer_now() -> Viewer | None:
    """Who is looking at the page under way, if anybody is known."""
    return current_user.viewer if current_user and current_user.is_authenticated else None


def _rehearsing(memory: Memory) -> Any:
    return lambda: memory.clock.rehearsal
