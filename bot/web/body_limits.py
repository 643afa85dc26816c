"""Which requests may have a large body, decided from their headers alone: only requests with a session."""

from __future__ import annotations

from flask import Flask, Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import create_environ

# The documented limit for callbacks, which are a few hundred bytes; a piece of a film is as large.
MAX_BODY_BYTES = 256 * 1024
# The size of a form without its file.
_FORM_BYTES = 64 * 1024
# Bodies up to this length reach the application, which answers those over MAX_BODY_BYTES with an error page.
MAX_RECEIVED_BYTES = MAX_BODY_BYTES + _FORM_BYTES


def max_received_bytes(app: Flask, path: str, cookies: str) -> int:
    """The length up to which the server receives a body; `cookies` is the value of the Cookie header.

    A page states its limit as `max_body_bytes`. It holds for a session that this site has signed; whether the session
    is still open is checked when the request has arrived.
    """
    page_limit = getattr(app.view_functions.get(_endpoint(app, path)), "max_body_bytes", None) or 0
    if page_limit <= MAX_BODY_BYTES or not _is_signed_in(app, cookies):
        return MAX_RECEIVED_BYTES
    return int(page_limit) + _FORM_BYTES


def _endpoint(app: Flask, path: str) -> str:
    try:
        return str(app.url_map.bind("").match(path, "POST")[0])
    except (HTTPException, RequestRedirect):
        return ""


def _is_signed_in(app: Flask, cookies: str) -> bool:
    request = Request(create_environ(headers={"Cookie": cookies}))
    session = app.session_interface.open_session(app, request)
    return bool(session and session.get("signed_in"))
