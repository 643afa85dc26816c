"""Error pages: they tell the reader what to do and nothing about the software."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from flask import Flask, Response, abort, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from bot.web.dashboard.authorization import MACHINE_PATHS
from storage.disk_reserve import OutOfSpace
from storage.errors import OperationRefused

log = logging.getLogger(__name__)

_Args = ParamSpec("_Args")
_Found = TypeVar("_Found")

# Statuses with a text of their own; all others are shown with the text of 400.
_STATUSES_WITH_TEXT = (401, 403, 404, 405, 413, 429, 500, 503, 507)


def register_error_handlers(app: Flask) -> None:
    """Show errors as a page; programs get the bare status or JSON."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(OutOfSpace, _out_of_space)


def error_page(status: int, text_key: str | None = None, **params: Any) -> Response:
    """An error page; its text is that of the status where no key is given."""
    text_key = text_key or f"error_page.{status if status in _STATUSES_WITH_TEXT else 400}"
    return make_response(render_template("error.html", status=status, text_key=text_key, params=params), status)


def or_404(find: Callable[_Args, _Found], *args: _Args.args, **kwargs: _Args.kwargs) -> _Found:
    """What a page is about; one that is unknown, or not for the viewer, is not found."""
    try:
        return find(*args, **kwargs)
    except OperationRefused:
        abort(404)


def _http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if request.path.startswith(MACHINE_PATHS) or error.response is not None:
        return error
    if "application/json" in request.headers.get("Accept", ""):
        return make_response(jsonify(error=status), status)
    return error_page(status)


def _out_of_space(error: OutOfSpace) -> Response:
    log.warning("%s refused: %s", request.path, error)
    return error_page(507)


def _csrf_error(_error: CSRFError) -> Response:
    """The form was made in another session, or by another site."""
    return error_page(400, "error_page.form_expired")
