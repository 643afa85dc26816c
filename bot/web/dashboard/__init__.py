"""The dashboard: one module for each page, all behind the same guard.

A page is a function of a blueprint marked `@allowed("some.action")` (bot/web/dashboard/guard.py); whatever is not
marked, nobody may open. PAGES is the list to add a new blueprint to.
"""

from __future__ import annotations

from flask import Flask

from bot.channels import Switchboard
from bot.memory import Memory
from bot.web import assets, headers
from bot.web.dashboard import (
    account,
    alarms,
    errors,
    films,
    guard,
    history,
    imports,
    look,
    media,
    office,
    register,
    reviewing,
    sign_in,
    tonight,
    trail,
)  # fmt: skip
from bot.web.dashboard.gallery import Gallery
from bot.web.site import Site

PAGES = (
    tonight.blueprint, alarms.blueprint, account.blueprint, history.blueprint, office.blueprint, trail.blueprint,
)  # fmt: skip
# Those that also keep or show what lies in the object store.
STORE_PAGES = (films.blueprint, media.blueprint, reviewing.blueprint, register.blueprint, imports.blueprint)


def add(app: Flask, memory: Memory, switchboard: Switchboard, site: Site, gallery: Gallery) -> None:
    """Put the dashboard into an application."""
    app.register_blueprint(assets.blueprint())
    headers.protect(app, site)
    guard.stand(app, memory, site)
    look.furnish(app, memory)
    errors.explain(app)
    app.register_blueprint(sign_in.blueprint(app, memory, switchboard))
    for page in PAGES:
        app.register_blueprint(page(memory))
    for store_page in STORE_PAGES:
        app.register_blueprint(store_page(memory, gallery))
