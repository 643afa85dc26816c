"""What every template has at hand: the sentences, our files, who is looking, and the county's time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Flask
from flask_login import current_user

from bot.texts import all_texts, recipient_label, say
from bot.unit_of_work import UnitOfWork
from bot.web.assets import asset
from handlers.permissions import Viewer

# Where one can go: address, sentence, and the action that opens it. Pages add themselves here.
MENU = (
    ("/", "menu.tonight", "tonight.see"),
    ("/films", "menu.films", "films.watch"),
    ("/review", "menu.review", "review.see"),
    ("/history", "menu.history", "history.see"),
    ("/office", "menu.office_tasks", "office_tasks.see"),
    ("/trail", "menu.audit_log", "audit_log.see"),
)
# htmx neither evaluates words of a page nor writes styles into it: the policy forbids both.
HTMX_CONFIG = {
    "allowEval": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "scrollBehavior": "auto",
}


def register_template_globals(app: Flask, uow: UnitOfWork) -> None:
    """Give the templates of an application what they need."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        say=say, asset=asset, htmx_config=json.dumps(HTMX_CONFIG), rehearsal=_rehearsing(uow), mark_label=mark_label
    )

    def local(instant: datetime, form: str = "%H:%M") -> str:
        return instant.astimezone(uow.zone).strftime(form)

    app.jinja_env.filters.update(local=local, recipient_label=recipient_label)

    @app.context_processor
    def looking() -> dict[str, Any]:
        found = current_viewer()
        menu = [(path, key) for path, key, action in MENU if found is not None and found.may(action)]
        return {"viewer": found, "menu": menu}


def mark_label(mark: str) -> str:
    """What was noted of a film, in words."""
    key = f"mark_label.{mark}"
    return say(key) if key in all_texts() else mark


def current_viewer() -> Viewer | None:
    """Who is looking at the page under way, if anybody is known."""
    return current_user.viewer if current_user and current_user.is_authenticated else None


def _rehearsing(memory: UnitOfWork) -> Any:
    return lambda: memory.clock.is_rehearsal
