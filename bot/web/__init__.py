"""The web side: the platforms' callbacks, health, metrics, shared safety films and the dashboard."""

from __future__ import annotations

import logging

from flask import Flask, Response

from bot.channels import Switchboard
from bot.hearing import Hearing
from bot.memory import Memory
from bot.uploads import Uploads
from bot.web import callbacks, content, dashboard, health, upload
from bot.web.dashboard.gallery import Gallery
from bot.web.site import Site
from storage.errors import DatabaseAway
from storage.objects import ObjectError

log = logging.getLogger(__name__)
# Callbacks are a few hundred bytes; the limit stands in the contract.
_LARGEST_BODY = 256 * 1024


def create_app(
    memory: Memory, hearing: Hearing, switchboard: Switchboard, gallery: Gallery, uploads: Uploads, site: Site
) -> Flask:
    """The WSGI application over these parts."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    for trouble in (DatabaseAway, ObjectError):
        app.register_error_handler(trouble, _not_now)
    app.register_blueprint(callbacks.blueprint(hearing, switchboard))
    app.register_blueprint(health.blueprint(memory, gallery.objects, switchboard))
    app.register_blueprint(content.blueprint(memory, gallery.objects, gallery.links))
    app.register_blueprint(upload.blueprint(memory, uploads, gallery.links, secure=site.is_secure))
    dashboard.add(app, memory, switchboard, site, gallery)
    return app


def _not_now(trouble: Exception) -> Response:
    """What we need is away: whoever asks may ask again."""
    log.error("a request could not be answered: %s", trouble)
    return Response(status=503)


__all__ = ["Gallery", "Site", "create_app"]
