"""Who did what, for whoever has to answer for it; and whether the record is whole."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, render_template, request

from bot.texts import say, sentences
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.workbooks.register.schema import SHEETS
from handlers.permissions import Viewer

_AT_ONCE = 50


def blueprint(memory: Memory) -> Blueprint:
    """/trail."""
    pages = Blueprint("trail", __name__)

    @pages.record_once
    def furnish(state: object) -> None:
        state.app.jinja_env.globals.update(action_words=action_words, field_words=field_words)  # type: ignore[attr-defined]

    @pages.get("/trail")
    @allowed("trail.see")
    def trail(viewer: Viewer) -> str:
        words, before = request.args.get("q", "").strip(), request.args.get("before", type=int)
        with memory.reading() as store:
            found = store.trail.page(before, words, _AT_ONCE + 1)
            head, check = store.trail.head(), store.trail.check() if request.args.get("check") else None
        return render_template(
            "trail.html", entries=found[:_AT_ONCE], more=len(found) > _AT_ONCE, words=words, head=head, check=check
        )

    return pages


def action_words(action: str) -> str:
    """What an action of the trail is called."""
    key = f"did.{action}"
    return say(key) if key in sentences() else action


def field_words(field: str) -> str:
    """What a field of a row, or of an entry's detail, is called."""
    key = f"detail.{field}"
    return _titles().get(field) or (say(key) if key in sentences() else field)


@cache
def _titles() -> dict[str, str]:
    return {column.field: column.title for sheet in reversed(SHEETS) for column in reversed(sheet.columns)}
