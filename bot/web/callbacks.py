"""The platforms' callbacks: check, keep, answer. Everything else waits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.channels.errors import CallbackRejected
from bot.channels.interface import CallbackReceiver
from bot.channels.registry import Channels
from bot.intake.inbox_writer import InboxWriter
from bot.monitoring.metrics import CALLBACK_SECONDS, CALLBACKS_TOTAL
from storage.errors import DatabaseUnavailable

log = logging.getLogger(__name__)


def blueprint(inbox_writer: InboxWriter, channels: Channels) -> Blueprint:
    """GET and POST /callbacks/<door> for the doors that are switched on."""
    pages = Blueprint("callbacks", __name__, url_prefix="/callbacks")

    @pages.get("/<name>")
    def verify(name: str) -> Response:
        """URL verification: exactly the decrypted bytes within a second, nothing slow (protocol sheet 1.1)."""
        door = channels.receivers.get(name)
        if not isinstance(door, CallbackReceiver):
            return Response(status=404)
        try:
            return Response(door.verify_url(_query()), mimetype="text/plain")
        except CallbackRejected as rejected:
            return _rejected(name, rejected)

    @pages.post("/<name>")
    def receive(name: str) -> Response:
        door = channels.receivers.get(name)
        if not isinstance(door, CallbackReceiver):
            return Response(status=404)
        with CALLBACK_SECONDS.time():
            return _receive(name, door, inbox_writer, channels)

    return pages


def _query() -> Mapping[str, str]:
    """The query; one that is no text cannot hold a signature."""
    try:
        return request.args
    except UnicodeDecodeError as error:
        raise CallbackRejected(403, "signature") from error


def _receive(name: str, door: CallbackReceiver, hearing: InboxWriter, switchboard: Channels) -> Response:
    try:
        message = door.receive(_query(), request.get_data())
        # A notification for a source that is off is stored like any event that no handler acts on.
        if message.notification is not None and message.notification.source not in switchboard.sources:
            message = replace(message, notification=None)
        fresh = hearing.save(message)
    except RequestEntityTooLarge:
        return _rejected(name, CallbackRejected(413, "too_large"))
    except CallbackRejected as rejected:
        return _rejected(name, rejected)
    except DatabaseUnavailable as away:
        log.error("a callback could not be kept: %s", away)
        return _rejected(name, CallbackRejected(503, "not_stored"))
    CALLBACKS_TOTAL.labels(name, "stored" if fresh else "duplicate").inc()
    return Response(status=200)


def _rejected(name: str, rejected: CallbackRejected) -> Response:
    log.warning("callback to %s refused: %s", name, rejected.reason)
    CALLBACKS_TOTAL.labels(name, rejected.reason).inc()
    return Response(status=rejected.status)
