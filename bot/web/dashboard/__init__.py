"""The dashboard: one module per noun, all behind the same authorization.

A page is a view function with `@requires_permission("some.action")`; one without it is refused for every user.
New blueprints are added to PAGES or OBJECT_STORE_PAGES.
"""

from __future__ import annotations

from flask import Flask

from bot.channels.registry import Channels
from bot.unit_of_work import UnitOfWork
from bot.web import assets, headers
from bot.web.dashboard import (
    account,
    alerts,
    audit_log,
    authorization,
    cases,
    documents,
    error_pages,
    film_media,
    films,
    hazard,
    hazard_import,
    hazard_statistics,
    hazards,
    history,
    inspections,
    notices,
    office_tasks,
    own_enterprise,
    register,
    reports,
    review,
    review_sheets,
    roster,
    sign_in,
    template_context,
    tonight,
    unplaced_films,
    urging,
    workbook_import,
)
from bot.web.dashboard.film_access import FilmAccess
from bot.web.headers import SiteSettings

PAGES = (
    tonight.blueprint,
    own_enterprise.blueprint,
    alerts.blueprint,
    urging.blueprint,
    account.blueprint,
    hazards.blueprint,
    inspections.blueprint,
    cases.blueprint,
    hazard_statistics.blueprint,
    history.blueprint,
    office_tasks.blueprint,
    notices.blueprint,
    unplaced_films.blueprint,
    audit_log.blueprint,
)
# Pages that read or write the object store.
OBJECT_STORE_PAGES = (
    films.blueprint,
    film_media.blueprint,
    hazard_import.blueprint,
    hazard.blueprint,
    documents.blueprint,
    review.blueprint,
    review_sheets.blueprint,
    register.blueprint,
    reports.blueprint,
    roster.blueprint,
    workbook_import.blueprint,
)


def init_app(app: Flask, uow: UnitOfWork, channels: Channels, site: SiteSettings, film_access: FilmAccess) -> None:
    """Register the dashboard with an application."""
    app.register_blueprint(assets.blueprint())
    headers.register_response_headers(app, site)
    authorization.init_app(app, uow, site)
    template_context.register_template_globals(app, uow)
    error_pages.register_error_handlers(app)
    app.register_blueprint(sign_in.blueprint(app, uow, channels))
    for page in PAGES:
        app.register_blueprint(page(uow))
    for store_page in OBJECT_STORE_PAGES:
        app.register_blueprint(store_page(uow, film_access))
