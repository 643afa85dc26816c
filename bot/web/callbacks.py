"""Platform callbacks: verify, store, answer. Everything else happens later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.channels.errors import CallbackRejected
from bot.channels.interface import CallbackReceiver
from bot.channels.registry import Channels
from bot.channels.replay_guard import check_age, check_echo
from bot.clock import Clock
from bot.intake.inbox_writer import InboxWriter
from bot.logs import over, trouble
from bot.monitoring.metrics import CALLBACK_SECONDS, CALLBACKS_TOTAL
from storage.errors import DatabaseUnavailable

log = logging.getLogger(__name__)
# The name under which the log counts this trouble.
_STORING = "storing callbacks"


def blueprint(inbox_writer: InboxWriter, channels: Channels, clock: Clock) -> Blueprint:
    """GET and POST /callbacks/<channel>, for the channels that are configured."""
    pages = Blueprint("callbacks", __name__, url_prefix="/callbacks")

    @pages.get("/<name>")
    def verify(name: str) -> Response:
        """URL verification. WeCom wants exactly the decrypted bytes, within a second."""
        receiver = channels.receivers.get(name)
        if not isinstance(receiver, CallbackReceiver):
            return Response(status=404)
        try:
            query = _query()
            echo = check_echo(receiver.verify_url(query))
            check_age(query, clock)
            return Response(echo, mimetype="text/plain")
        except CallbackRejected as rejected:
            return _rejected(name, rejected)

    @pages.post("/<name>")
    def receive(name: str) -> Response:
        receiver = channels.receivers.get(name)
        if not isinstance(receiver, CallbackReceiver):
            return Response(status=404)
        with CALLBACK_SECONDS.time():
            return _receive(name, receiver, inbox_writer, channels, clock)

    return pages


def _query() -> Mapping[str, str]:
    """The query. One that is not valid UTF-8 cannot hold a signature."""
    try:
        return request.args
    except UnicodeDecodeError as error:
        raise CallbackRejected(403, "signature") from error


def _receive(
    name: str, receiver: CallbackReceiver, inbox_writer: InboxWriter, channels: Channels, clock: Clock
) -> Response:
    try:
        query = _query()
        message = receiver.receive(query, request.get_data())
        check_age(query, clock)
        # A notification about a source that is not configured is stored like any event without a handler.
        if message.notification is not None and message.notification.source not in channels.sources:
            message = replace(message, notification=None)
        is_new = inbox_writer.save(message)
    except RequestEntityTooLarge:
        return _rejected(name, CallbackRejected(413, "too_large"))
    except CallbackRejected as rejected:
        return _rejected(name, rejected)
    except DatabaseUnavailable as error:
        log.error("a callback could not be stored: %s", error, extra=trouble(_STORING))
        return _rejected(name, CallbackRejected(503, "not_stored"))
    log.info("callbacks are stored again", extra=over(_STORING))
    CALLBACKS_TOTAL.labels(name, "stored" if is_new else "duplicate").inc()
    return Response(status=200)


def _rejected(name: str, rejected: CallbackRejected) -> Response:
    subject = trouble(f"callbacks to {name}: {rejected.reason}")
    log.warning("callback to %s rejected: %s", name, rejected.reason, extra=subject)
    CALLBACKS_TOTAL.labels(name, rejected.reason).inc()
    return Response(status=rejected.status)
