"""The dashboard: one module for each page, all behind the same guard.

A page is a function of a blueprint marked `@allowed("some.action")` (bot/web/dashboard/authorization.py);
a page that is not marked opens to nobody. PAGES is the list to add a new blueprint to.
"""

from __future__ import annotations

from flask import Flask

from bot.channels import Switchboard
from bot.unit_of_work import Memory
from bot.web import assets, headers
from bot.web.dashboard import (
    account,
    alerts,
    audit_log,
    authorization,
    error_pages,
    film_media,
    films,
    history,
    office_tasks,
    register,
    review,
    sign_in,
    template_context,
    tonight,
    workbook_import,
)  # fmt: skip
from bot.web.dashboard.film_access import Gallery
from bot.web.site_settings import Site

PAGES = (
    tonight.blueprint,
    alerts.blueprint,
    account.blueprint,
    history.blueprint,
    office_tasks.blueprint,
    audit_log.blueprint,
)
# Those that also keep or show what lies in the object store.
STORE_PAGES = (films.blueprint, film_media.blueprint, review.blueprint, register.blueprint, workbook_import.blueprint)


def add(app: Flask, memory: Memory, switchboard: Switchboard, site: Site, gallery: Gallery) -> None:
    """Put the dashboard into an application."""
    app.register_blueprint(assets.blueprint())
    headers.protect(app, site)
    authorization.stand(app, memory, site)
    template_context.furnish(app, memory)
    error_pages.explain(app)
    app.register_blueprint(sign_in.blueprint(app, memory, switchboard))
    for page in PAGES:
        app.register_blueprint(page(memory))
    for store_page in STORE_PAGES:
        app.register_blueprint(store_page(memory, gallery))
