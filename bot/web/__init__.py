"""The web side: the platforms' callbacks, health, metrics, shared safety films and the dashboard."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response

from bot.channels.registry import Channels
from bot.intake.inbox_writer import InboxWriter
from bot.intake.uploads import Uploads
from bot.unit_of_work import UnitOfWork
from bot.web import callbacks, content, dashboard, health, tus
from bot.web.dashboard.film_access import FilmAccess
from bot.web.site_settings import SiteSettings
from storage.errors import DatabaseUnavailable
from storage.objects import ObjectError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
# Callbacks are a few hundred bytes; the limit stands in the contract.
_LARGEST_BODY = 256 * 1024


def create_app(
    uow: UnitOfWork,
    inbox_writer: InboxWriter,
    channels: Channels,
    film_access: FilmAccess,
    uploads: Uploads,
    site: SiteSettings,
) -> Flask:
    """The WSGI application over these parts."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    for trouble in (DatabaseUnavailable, ObjectError):
        app.register_error_handler(trouble, _not_now)
    app.register_blueprint(health.blueprint(uow, film_access.objects, channels, site))
    app.register_blueprint(content.blueprint(uow, film_access.objects, film_access.links))
    app.register_blueprint(tus.blueprint(uow, uploads, film_access.links, secure_cookies=site.is_secure))
    dashboard.init_app(app, uow, channels, site, film_access)
    doors = Flask("doors", static_folder=None)
    doors.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    doors.register_blueprint(callbacks.blueprint(inbox_writer, channels))
    app.wsgi_app = _first("/callbacks/", doors.wsgi_app, app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def _first(prefix: str, ours: WSGIApplication, others: WSGIApplication) -> WSGIApplication:
    """Paths below a prefix to one application, all else to another.

    The platforms' callbacks need none of what goes with the dashboard (sessions, limits, forgery, headers), which
    would cost each of them four times what answering it does.
    """

    def choose(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return (ours if environ["PATH_INFO"].startswith(prefix) else others)(environ, start)

    return choose


def _not_now(trouble: Exception) -> Response:
    """What we need is away: whoever asks may ask again."""
    log.error("a request could not be answered: %s", trouble)
    return Response(status=503)


__all__ = ["FilmAccess", "SiteSettings", "create_app"]
