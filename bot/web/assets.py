"""Scripts, styles and images, at URLs with their digest so that browsers cache them for a year.

They are below /login because the sign-in page needs them too.
"""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Response, abort

_FOLDER = Path(__file__).with_name("static")
_DIGESTS = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in _FOLDER.iterdir()}
_CACHE_CONTROL = "public, max-age=31536000, immutable"


def blueprint() -> Blueprint:
    """/login/static/<digest>/<name>."""
    pages = Blueprint("assets", __name__)

    @pages.get("/login/static/<digest>/<name>")
    def asset(digest: str, name: str) -> Response:
        if digest != _DIGESTS.get(name):
            abort(404)
        body, content_type = (_FOLDER / name).read_bytes(), mimetypes.guess_type(name)[0]
        return Response(body, mimetype=content_type, headers={"Cache-Control": _CACHE_CONTROL})

    return pages


def asset(name: str) -> str:
    """The URL of a file of bot/web/static. Raises KeyError where there is none of that name."""
    return f"/login/static/{_DIGESTS[name]}/{name}"
