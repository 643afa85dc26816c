"""Our own scripts, styles and pictures: named by what is in them, kept by browsers for a year.

They stand under /login because the page that asks for a sign-in needs them, and the contract opens nothing else.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request

STATIC_FOLDER = Path(__file__).with_name("static")
_FOR_EVER = "public, max-age=31536000, immutable"
_PACKED = (".js", ".css", ".svg", ".webmanifest")


def blueprint() -> Blueprint:
    """/login/static/<digest>/<name>."""
    pages = Blueprint("assets", __name__)

    @pages.get("/login/static/<version>/<name>")
    def asset(version: str, name: str) -> Response:
        path = STATIC_FOLDER / name
        if path.parent != STATIC_FOLDER or not path.is_file() or version != _version(name):
            abort(404)
        packs = path.suffix in _PACKED and "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(_packed(name) if packs else path.read_bytes(), content_type=_kind(name))
        response.headers["Cache-Control"] = _FOR_EVER
        if packs:
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Vary"] = "Accept-Encoding"
        return response

    return pages


def asset(name: str) -> str:
    """The address of one of our files, as it is now."""
    return f"/login/static/{_version(name)}/{name}"


@cache
def _version(name: str) -> str:
    path = STATIC_FOLDER / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


@cache
def _packed(name: str) -> bytes:
    return gzip.compress((STATIC_FOLDER / name).read_bytes(), 9, mtime=0)


def _kind(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
