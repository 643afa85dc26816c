"""The platforms' callbacks: check, keep, answer. Everything else waits."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.channels import Switchboard
from bot.channels.interface import Door, Rejected
from bot.intake.inbox_writer import Hearing
from bot.monitoring.metrics import CALLBACK_SECONDS, CALLBACKS
from bot.unit_of_work import Heard
from storage.errors import DatabaseAway

log = logging.getLogger(__name__)


def blueprint(hearing: Hearing, switchboard: Switchboard) -> Blueprint:
    """GET and POST /callbacks/<door> for the doors that are switched on."""
    pages = Blueprint("callbacks", __name__, url_prefix="/callbacks")

    @pages.get("/<name>")
    def verify(name: str) -> Response:
        """URL verification: exactly the decrypted bytes within a second, nothing slow (protocol sheet 1.1)."""
        door = switchboard.doors.get(name)
        if not isinstance(door, Door):
            return Response(status=404)
        try:
            return Response(door.verify(_query()), mimetype="text/plain")
        except Rejected as rejected:
            return _rejected(name, rejected)

    @pages.post("/<name>")
    def receive(name: str) -> Response:
        door = switchboard.doors.get(name)
        if not isinstance(door, Door):
            return Response(status=404)
        with CALLBACK_SECONDS.time():
            return _receive(name, door, hearing, switchboard)

    return pages


def _query() -> Mapping[str, str]:
    """The query; one that is no text cannot hold a signature."""
    try:
        return request.args
    except UnicodeDecodeError as error:
        raise Rejected(403, "signature") from error


def _receive(name: str, door: Door, hearing: Hearing, switchboard: Switchboard) -> Response:
    try:
        received = door.receive(_query(), request.get_data())
        # The bell of a source that is off is kept like any event that concerns nobody.
        bell = received.bell if received.bell and received.bell.source in switchboard.sources else None
        fresh = hearing.keep(Heard(name, received.key, received.raw, bell))
    except RequestEntityTooLarge:
        return _rejected(name, Rejected(413, "too_large"))
    except Rejected as rejected:
        return _rejected(name, rejected)
    except DatabaseAway as away:
        log.error("a callback could not be kept: %s", away)
        return _rejected(name, Rejected(503, "not_kept"))
    CALLBACKS.labels(name, "kept" if fresh else "repeated").inc()
    return Response(status=200)


def _rejected(name: str, rejected: Rejected) -> Response:
    log.warning("callback to %s refused: %s", name, rejected.reason)
    CALLBACKS.labels(name, rejected.reason).inc()
    return Response(status=rejected.status)
