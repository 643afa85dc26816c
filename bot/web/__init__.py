"""The web application: platform callbacks, health, metrics, shared safety films, uploads and the dashboard."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response

from bot.channels.registry import Channels
from bot.clock import Clock
from bot.intake.inbox_writer import InboxWriter
from bot.intake.uploads import Uploads
from bot.logs import trouble
from bot.unit_of_work import UnitOfWork
from bot.web import callbacks, content, dashboard, health, parameters, tus
from bot.web.body_limits import MAX_BODY_BYTES
from bot.web.dashboard.film_access import FilmAccess
from bot.web.headers import SiteSettings
from storage.errors import DatabaseUnavailable
from storage.objects import ObjectError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


def create_receivers(inbox_writer: InboxWriter, channels: Channels, clock: Clock) -> Flask:
    """The application for callbacks only.

    They need no sessions, rate limits, CSRF check or response headers; with them each callback took four times as long.
    """
    app = Flask("receivers", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_blueprint(callbacks.blueprint(inbox_writer, channels, clock))
    return app


def create_app(
    receivers: Flask, uow: UnitOfWork, channels: Channels, film_access: FilmAccess, uploads: Uploads, site: SiteSettings
) -> Flask:
    """All pages, and the receivers of callbacks beside them."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    parameters.register_converters(app)
    for error in (DatabaseUnavailable, ObjectError):
        app.register_error_handler(error, _unavailable)
    app.register_blueprint(health.blueprint(uow, film_access.objects, film_access.reserve, channels, site))
    app.register_blueprint(content.blueprint(uow, film_access.objects, film_access.links))
    app.register_blueprint(tus.blueprint(uow, uploads, film_access.links, secure_cookies=site.is_secure))
    dashboard.init_app(app, uow, channels, site, film_access)
    app.extensions["receivers"] = receivers
    app.wsgi_app = _route("/callbacks/", receivers.wsgi_app, app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def _route(prefix: str, below: WSGIApplication, others: WSGIApplication) -> WSGIApplication:
    """Send paths that start with a prefix to one application and all others to another."""

    def choose(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return (below if environ["PATH_INFO"].startswith(prefix) else others)(environ, start)

    return choose


def _unavailable(error: Exception) -> Response:
    log.error("pages: the database or the object store is unavailable: %s", error, extra=trouble("pages"))
    return Response(status=503)


__all__ = ["FilmAccess", "SiteSettings", "create_app", "create_receivers"]
