"""Pages for what cannot be shown: in words that say what to do, without a word about the machine."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from bot.web.dashboard.authorization import MACHINE_PATHS

# What has a sentence of its own; everything else is told as an odd request.
_TOLD = (401, 403, 404, 405, 413, 429, 500, 503)


def register_error_handlers(app: Flask) -> None:
    """Answer people with a page; platforms and probes get the bare status."""
    app.register_error_handler(HTTPException, _page)
    app.register_error_handler(CSRFError, _stale)


def error_page(status: int, text_key: str | None = None) -> Response:
    """A page that says why there is nothing to see."""
    text_key = text_key or f"error_page.{status if status in _TOLD else 400}"
    return make_response(render_template("error.html", status=status, text_key=text_key), status)


def _page(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if request.path.startswith(MACHINE_PATHS) or error.response is not None:
        return error
    if "application/json" in request.headers.get("Accept", ""):
        return make_response(jsonify(error=status), status)
    return error_page(status)


def _stale(_error: CSRFError) -> Response:
    """The form is from another sign-in, or from another site."""
    return error_page(400, "error_page.form_expired")
