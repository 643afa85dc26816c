"""The upload page, and the tus protocol 1.0 behind it: creation, checksum, termination, expiration.

A link is good for one film. Whoever begins one is known by a cookie from then on, and nobody else goes on with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import threading
from email.utils import format_datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.intake.uploads import CHECKSUM_ALGORITHMS, MAX_PIECE_BYTES, ReceivedPiece, UploadRefused, Uploads
from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.template_context import current_viewer
from bot.web.upload_view import upload_page_view, upload_state_view
from storage.db.models import Upload

TUS_VERSION, TUS_EXTENSIONS = "1.0.0", "creation,checksum,termination,expiration"
_COOKIE = "upload"
_MEDIA = "application/offset+octet-stream"
# Callbacks have the right of way: no more threads than this keep pieces, whoever comes besides is asked to wait.
_AT_ONCE, _AGAIN_S = 2, 1
_NOT_HERE = {"not_found": 404, "expired": 410, "complete": 200, "other_browser": 403}


class UploadAccess:
    """What the routes share: whose link a request is about, and whether its browser may use it."""

    def __init__(self, uow: UnitOfWork, uploads: Uploads, links: SignedLinks) -> None:
        self.uow, self.uploads, self._links = uow, uploads, links
        self.piece_slots = threading.BoundedSemaphore(_AT_ONCE)

    def find_upload(self, token: str) -> Upload | None:
        """The link, None when it was altered or never was."""
        upload_id = self._links.read_upload_token(token)
        if upload_id is None:
            return None
        with self.uow.read() as store:
            return store.uploads.get(upload_id)

    def denial_reason(self, upload: Upload | None) -> str | None:
        """Why a browser cannot go on with a link: not_found, expired, complete, other_browser."""
        if upload is None:
            return "not_found"
        signed_in = current_viewer()
        if signed_in is not None and signed_in.person_id != upload.person_id:
            return "other_browser"
        if upload.browser_digest is not None and upload.browser_digest != browser_digest():
            return "other_browser"
        if upload.state == "complete":
            return "complete"
        over = upload.state == "ended" or upload.expires_at <= self.uow.clock.now()
        return "expired" if over else None

    def active_upload(self, token: str, generation: int) -> Upload:
        """The film under way that a request is about. Raises UploadRefused."""
        upload = self.find_upload(token)
        trouble = self.denial_reason(upload)
        if upload is None or trouble in ("not_found", "other_browser"):
            raise UploadRefused(404 if trouble == "not_found" else 403)
        if upload.generation != generation or upload.browser_digest is None or trouble == "expired":
            raise UploadRefused(410)
        return upload


def browser_digest() -> str | None:
    """The browser that asks, as it is kept: whoever reads the database cannot use it."""
    token = request.cookies.get(_COOKIE)
    return hashlib.sha256(token.encode()).hexdigest() if token else None


def blueprint(uow: UnitOfWork, uploads: Uploads, links: SignedLinks, *, secure_cookies: bool) -> Blueprint:
    """/upload/<token>."""
    pages, desk = Blueprint("upload", __name__), UploadAccess(uow, uploads, links)
    _add_page(pages, desk, secure_cookies)
    _add_creation(pages, desk)
    _add_film(pages, desk)
    return pages


def _add_page(pages: Blueprint, desk: UploadAccess, secure: bool) -> None:
    @pages.get("/upload/<token>", provide_automatic_options=False)
    def page(token: str) -> Response | AnyResponse:
        upload = desk.find_upload(token)
        trouble = desk.denial_reason(upload)
        status = _NOT_HERE[trouble] if trouble else 200
        shown = upload_page_view(desk.uow, upload, trouble)
        response = Response(render_template("upload.html", **shown, piece_bytes=MAX_PIECE_BYTES), status)
        if trouble is None and not request.cookies.get(_COOKIE):
            token = secrets.token_urlsafe(24)
            response.set_cookie(
                _COOKIE, token, max_age=86400, path="/upload/", secure=secure, httponly=True, samesite="Lax"
            )
        return response

    @pages.get("/upload/<token>/state")
    def state(token: str) -> tuple[Response, int]:
        upload = desk.find_upload(token)
        trouble = desk.denial_reason(upload)
        if upload is None or trouble == "other_browser":
            return jsonify(state="not_found", words=""), 404 if upload is None else 403
        return jsonify(upload_state_view(desk.uow, upload)), 200


def _tus(act: Any) -> Any:
    """Around every request of the protocol: its version, and refusals as it wants them."""

    @wraps(act)
    def answered(*args: Any, **kwargs: Any) -> Response:
        if request.headers.get("Tus-Resumable") != TUS_VERSION:
            return _told(412, {"Tus-Version": TUS_VERSION})
        try:
            return act(*args, **kwargs)  # type: ignore[no-any-return]
        except UploadRefused as refused:
            return _told(refused.status)

    return answered


def _told(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        status=status, headers={"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store", **(headers or {})}
    )


def _add_creation(pages: Blueprint, desk: UploadAccess) -> None:
    @pages.route("/upload/<token>", methods=["OPTIONS"], provide_automatic_options=False)
    def options(token: str) -> Response:
        told = {
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": TUS_EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
        }
        return _told(204, told)

    @pages.post("/upload/<token>", provide_automatic_options=False)
    @_tus
    def create(token: str) -> Response:
        upload, browser = desk.find_upload(token), browser_digest()
        trouble = desk.denial_reason(upload)
        if upload is None or trouble is not None:
            raise UploadRefused({"not_found": 404, "other_browser": 403}.get(trouble or "", 410))
        if browser is None:
            raise UploadRefused(403)
        told = _metadata(request.headers.get("Upload-Metadata", ""))
        size, part = _number("Upload-Length"), told.get("part", "")
        part_id = int(part) if part.isascii() and part.isdecimal() and len(part) < 18 else None
        generation = desk.uploads.begin(upload, browser, size, told.get("filename", ""), part_id)
        where = f"/upload/{token}/{generation}"
        return _told(201, {"Location": where, "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)})


def _add_film(pages: Blueprint, desk: UploadAccess) -> None:
    acts = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}

    def film(token: str, generation: int) -> Response:
        """Where a net lets only the old methods through, the wanted one stands in a header (tus 1.0)."""
        act = acts.get(request.headers.get("X-HTTP-Method-Override", request.method))
        return _told(405) if act is None else _tus(act)(desk, token, generation)

    film.max_body_bytes = MAX_PIECE_BYTES  # type: ignore[attr-defined]
    pages.add_url_rule("/upload/<token>/<int:generation>", "film", film, methods=["HEAD", "PATCH", "DELETE", "POST"])


def _head(desk: UploadAccess, token: str, generation: int) -> Response:
    upload = desk.active_upload(token, generation)
    return _told(200, {**_how_far(upload, upload.received_bytes), "Upload-Length": str(upload.size)})


def _patch(desk: UploadAccess, token: str, generation: int) -> Response:
    if request.mimetype != _MEDIA:
        raise UploadRefused(415)
    # Before all else: to be asked to wait must cost next to nothing.
    if not desk.piece_slots.acquire(blocking=False):
        return _told(503, {"Retry-After": str(_AGAIN_S)})
    try:
        upload, start = desk.active_upload(token, generation), _number("Upload-Offset")
        if start != upload.received_bytes or upload.state != "receiving":
            raise UploadRefused(409)
        piece = ReceivedPiece(start, request.get_data(), request.headers.get("Upload-Checksum"))
        return _told(204, _how_far(upload, desk.uploads.store_piece(upload, piece)))
    finally:
        desk.piece_slots.release()


def _delete(desk: UploadAccess, token: str, generation: int) -> Response:
    upload = desk.active_upload(token, generation)
    with desk.uow.transaction() as store:
        store.uploads.abort(upload)
    return _told(204)


def _how_far(upload: Upload, received: int) -> dict[str, str]:
    return {"Upload-Offset": str(received), "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _number(header: str) -> int:
    told = request.headers.get(header, "")
    if not (told.isascii() and told.isdecimal() and len(told) < 18):
        raise UploadRefused(400)
    return int(told)


def _metadata(header: str) -> dict[str, str]:
    """Names and Base64 values, separated by commas; what cannot be read is refused."""
    found = {}
    for pair in filter(None, (piece.strip() for piece in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UploadRefused(400) from None
    return found
