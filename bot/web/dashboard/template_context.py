"""Globals and filters of all templates: texts, asset URLs, the viewer, the menu and local times."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Flask
from flask_login import current_user

from bot.texts import all_texts, recipient_label, say
from bot.unit_of_work import UnitOfWork
from bot.web.assets import asset
from bot.web.dashboard.own_enterprise import OWN_PAGE
from handlers.permissions import Viewer
from schedules.review.queue import GRAVE_REASONS

# Path, text key and required permission of each menu item.
MENU = (
    ("/", "menu.tonight", "tonight.see"),
    ("/films", "menu.films", "films.watch"),
    ("/review", "menu.review", "review.see"),
    ("/hazards", "menu.hazards", "hazards.see"),
    ("/inspections", "menu.inspections", "inspections.see"),
    ("/history", "menu.history", "history.see"),
    ("/reports", "menu.reports", "reports.see"),
    ("/office", "menu.office_tasks", "office_tasks.see"),
    ("/notices", "menu.notices", "notices.see"),
    ("/register", "menu.register", "register.see"),
    ("/trail", "menu.audit_log", "audit_log.see"),
)
# Pages that belong to another item of the menu than their path says.
_MENU_PATHS = {"/documents": "/inspections", "/cases": "/inspections"}
# The Content-Security-Policy forbids eval and inline styles.
HTMX_CONFIG = {
    "allowEval": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "scrollBehavior": "auto",
    # A form that is refused (422) comes back with the reason.
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..|422", "swap": True},
        {"code": "[45]..", "swap": False, "error": True},
    ],
}


def register_template_globals(app: Flask, uow: UnitOfWork) -> None:
    """Register the globals and filters with an application."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        say=say,
        asset=asset,
        htmx_config=json.dumps(HTMX_CONFIG),
        rehearsal=lambda: uow.clock.is_rehearsal,
        mark_label=mark_label,
        is_grave=GRAVE_REASONS.__contains__,
        menu_path=_menu_path,
    )

    def local(instant: datetime, form: str = "%H:%M") -> str:
        return instant.astimezone(uow.zone).strftime(form)

    app.jinja_env.filters.update(local=local, recipient_label=recipient_label)

    @app.context_processor
    def viewer_and_menu() -> dict[str, Any]:
        viewer = current_viewer()
        return {"viewer": viewer, "menu": _menu(viewer) if viewer else []}


def _menu(viewer: Viewer) -> list[tuple[str, str]]:
    """What the viewer may open; the people of an enterprise have its page in place of the county's board."""
    items = [(path, key) for path, key, action in MENU if viewer.may(action)]
    return items if viewer.enterprise_ids is None else [(OWN_PAGE, "menu.own"), *items[1:]]


def _menu_path(path: str) -> str:
    first = "/" + path.split("/")[1]
    return _MENU_PATHS.get(first, path)


def mark_label(mark: str) -> str:
    """The Chinese name of a mark of a film; the mark itself where it has none."""
    key = f"mark_label.{mark}"
    return say(key) if key in all_texts() else mark


def current_viewer() -> Viewer | None:
    """The signed-in viewer of the current request."""
    return current_user.viewer if current_user and current_user.is_authenticated else None
