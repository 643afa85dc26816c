"""The web side: the platforms' callbacks, health, metrics and shared safety films."""

from __future__ import annotations

from flask import Flask

from bot.channels import Switchboard
from bot.links import Links
from bot.memory import Memory
from bot.web import callbacks, content, health
from storage.objects import ObjectStore

# Callbacks are a few hundred bytes; the limit stands in the contract.
_LARGEST_BODY = 256 * 1024


def create_app(memory: Memory, switchboard: Switchboard, objects: ObjectStore, links: Links) -> Flask:
    """The WSGI application over these parts."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.register_blueprint(callbacks.blueprint(memory, switchboard))
    app.register_blueprint(health.blueprint(memory, objects, switchboard))
    app.register_blueprint(content.blueprint(memory, objects, links))
    return app
