"""The upload page and its tus 1.0 server, with the extensions creation, checksum, termination and expiration.

A link is valid for one film. The browser that starts an upload gets a cookie, and only that browser can resume it.
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
from bot.web.parameters import parse_number
from bot.web.request_guard import MAX_FILE_NAME_LENGTH, contains_nul
from bot.web.upload_view import upload_page_view, upload_state_view
from storage.db.models import Upload

TUS_VERSION, TUS_EXTENSIONS = "1.0.0", "creation,checksum,termination,expiration"
_COOKIE = "upload"
_CONTENT_TYPE = "application/offset+octet-stream"
# Limits the threads that write pieces so that callbacks always find a free one; other requests have to retry.
_MAX_PARALLEL_PIECES, _RETRY_AFTER_S = 2, 1
_DENIAL_STATUS = {"not_found": 404, "expired": 410, "complete": 200, "other_browser": 403}


class UploadAccess:
    """Which upload a link is for, and whether the browser of a request may use it."""

    def __init__(self, uow: UnitOfWork, uploads: Uploads, links: SignedLinks) -> None:
        self.uow, self.uploads, self._links = uow, uploads, links
        self.piece_slots = threading.BoundedSemaphore(_MAX_PARALLEL_PIECES)

    def find_upload(self, token: str) -> Upload | None:
        """The upload of a link; None when the link is not one of ours."""
        link_id = self._links.read_upload_token(token)
        if link_id is None:
            return None
        with self.uow.read() as store:
            return store.uploads.by_link(link_id)

    def denial_reason(self, upload: Upload | None) -> str | None:
        """Why a browser cannot upload through a link: not_found, expired, complete, other_browser."""
        if upload is None:
            return "not_found"
        viewer = current_viewer()
        if viewer is not None and viewer.person_id != upload.person_id:
            return "other_browser"
        if upload.browser_digest is not None and upload.browser_digest != browser_digest():
            return "other_browser"
        if upload.state == "complete":
            return "complete"
        expired = upload.state == "ended" or upload.expires_at <= self.uow.clock.now()
        return "expired" if expired else None

    def active_upload(self, token: str, generation: int) -> Upload:
        """The unfinished upload of a request. Raises UploadRefused."""
        upload = self.find_upload(token)
        denial = self.denial_reason(upload)
        if upload is None or denial in ("not_found", "other_browser"):
            raise UploadRefused(404 if denial == "not_found" else 403)
        if upload.generation != generation or upload.browser_digest is None or denial == "expired":
            raise UploadRefused(410)
        return upload


def browser_digest() -> str | None:
    """The hash of the browser's cookie. Only hashes are stored, so that the database reveals no usable cookie."""
    token = request.cookies.get(_COOKIE)
    return hashlib.sha256(token.encode()).hexdigest() if token else None


def blueprint(uow: UnitOfWork, uploads: Uploads, links: SignedLinks, *, secure_cookies: bool) -> Blueprint:
    """/upload/<token>."""
    pages, access = Blueprint("upload", __name__), UploadAccess(uow, uploads, links)
    _add_page(pages, access, secure_cookies)
    _add_creation(pages, access)
    _add_film(pages, access)
    return pages


def _add_page(pages: Blueprint, access: UploadAccess, secure: bool) -> None:
    @pages.get("/upload/<token>", provide_automatic_options=False)
    def page(token: str) -> Response | AnyResponse:
        upload = access.find_upload(token)
        denial = access.denial_reason(upload)
        status = _DENIAL_STATUS[denial] if denial else 200
        view = upload_page_view(access.uow, upload, denial)
        response = Response(render_template("upload.html", **view, piece_bytes=MAX_PIECE_BYTES), status)
        if denial is None and not request.cookies.get(_COOKIE):
            token = secrets.token_urlsafe(24)
            response.set_cookie(
                _COOKIE, token, max_age=86400, path="/upload/", secure=secure, httponly=True, samesite="Lax"
            )
        return response

    @pages.get("/upload/<token>/state")
    def state(token: str) -> tuple[Response, int]:
        upload = access.find_upload(token)
        denial = access.denial_reason(upload)
        if upload is None or denial == "other_browser":
            return jsonify(state="not_found", words=""), 404 if upload is None else 403
        return jsonify(upload_state_view(access.uow, upload)), 200


def _tus_request(handle: Any) -> Any:
    """Check the protocol version of a request, and answer UploadRefused with its status."""

    @wraps(handle)
    def checked(*args: Any, **kwargs: Any) -> Response:
        if request.headers.get("Tus-Resumable") != TUS_VERSION:
            return _response(412, {"Tus-Version": TUS_VERSION})
        try:
            return handle(*args, **kwargs)  # type: ignore[no-any-return]
        except UploadRefused as refused:
            return _response(refused.status)

    return checked


def _response(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        status=status, headers={"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store", **(headers or {})}
    )


def _add_creation(pages: Blueprint, access: UploadAccess) -> None:
    @pages.route("/upload/<token>", methods=["OPTIONS"], provide_automatic_options=False)
    def options(token: str) -> Response:
        headers = {
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": TUS_EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
        }
        return _response(204, headers)

    @pages.post("/upload/<token>", provide_automatic_options=False)
    @_tus_request
    def create(token: str) -> Response:
        upload, browser = access.find_upload(token), browser_digest()
        denial = access.denial_reason(upload)
        if upload is None or denial is not None:
            raise UploadRefused({"not_found": 404, "other_browser": 403}.get(denial or "", 410))
        if browser is None:
            raise UploadRefused(403)
        metadata = _metadata(request.headers.get("Upload-Metadata", ""))
        size, part_id = _number("Upload-Length"), parse_number(metadata.get("part", ""))
        generation = access.uploads.begin(upload, browser, size, metadata.get("filename", ""), part_id)
        location = f"/upload/{token}/{generation}"
        return _response(201, {"Location": location, "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)})


def _add_film(pages: Blueprint, access: UploadAccess) -> None:
    methods = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}

    def film(token: str, generation: int) -> Response:
        """A client behind a proxy that blocks PATCH and DELETE names the method in a header (tus 1.0)."""
        handle = methods.get(request.headers.get("X-HTTP-Method-Override", request.method))
        return _response(405) if handle is None else _tus_request(handle)(access, token, generation)

    film.max_body_bytes = MAX_PIECE_BYTES  # type: ignore[attr-defined]
    pages.add_url_rule("/upload/<token>/<id:generation>", "film", film, methods=["HEAD", "PATCH", "DELETE", "POST"])


def _head(access: UploadAccess, token: str, generation: int) -> Response:
    upload = access.active_upload(token, generation)
    return _response(200, {**_progress(upload, upload.received_bytes), "Upload-Length": str(upload.size)})


def _patch(access: UploadAccess, token: str, generation: int) -> Response:
    if request.mimetype != _CONTENT_TYPE:
        raise UploadRefused(415)
    # Before any query: a request that has to retry must be cheap.
    if not access.piece_slots.acquire(blocking=False):
        return _response(503, {"Retry-After": str(_RETRY_AFTER_S)})
    try:
        upload, start = access.active_upload(token, generation), _number("Upload-Offset")
        if start != upload.received_bytes or upload.state != "receiving":
            raise UploadRefused(409)
        piece = ReceivedPiece(start, request.get_data(), request.headers.get("Upload-Checksum"))
        return _response(204, _progress(upload, access.uploads.store_piece(upload, piece)))
    finally:
        access.piece_slots.release()


def _delete(access: UploadAccess, token: str, generation: int) -> Response:
    access.uploads.abort(access.active_upload(token, generation))
    return _response(204)


def _progress(upload: Upload, received: int) -> dict[str, str]:
    return {"Upload-Offset": str(received), "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _number(header: str) -> int:
    number = parse_number(request.headers.get(header, ""))
    if number is None:
        raise UploadRefused(400)
    return number


def _metadata(header: str) -> dict[str, str]:
    """Parse an Upload-Metadata header: names and Base64 values, separated by commas. Raises UploadRefused."""
    metadata = {}
    for pair in filter(None, (piece.strip() for piece in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            metadata[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UploadRefused(400) from None
    if contains_nul(metadata.values()) or len(metadata.get("filename", "")) > MAX_FILE_NAME_LENGTH:
        raise UploadRefused(400)
    return metadata
