"""Films, their thumbnails and contact sheets, and watermarked copies."""

from __future__ import annotations

import logging
import os
from datetime import date
from typing import BinaryIO

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import wrap_file

from bot.media.film_images import FilmImagesBusy
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import FilmAccess, download_name, get_film_or_404, record_view
from bot.web.range_response import range_response
from handlers.permissions import Viewer
from storage.errors import OperationRefused
from storage.film import PictureError
from storage.objects import ObjectMissing

log = logging.getLogger(__name__)
# The image kind of each URL.
_IMAGE_KINDS = {"thumb": "thumbnail", "sheet": "contact_sheet"}
_CACHE_CONTROL = "private, max-age=86400"
# The pages ask again by themselves (static/image_retry.js).
_RETRY_AFTER_S = 3


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/films/media/<token>, and the images and the copy of a film."""
    pages = Blueprint("media", __name__)

    @pages.get("/films/media/<token>")
    @requires_permission("films.watch")
    def media(viewer: Viewer, token: str) -> Response | AnyResponse:
        try:
            film_id, person_id = film_access.links.read_media_token(token, uow.clock.now())
        except OperationRefused as refused:
            return error_page(410 if refused.text_key == "films.link_expired" else 404, refused.text_key)
        with uow.read() as store:
            film = store.submissions.get(film_id)
        if (
            film is None
            or film.object_key is None
            or person_id != viewer.person_id
            or not viewer.can_see(film.enterprise_id)
        ):
            abort(404)
        url = film_access.presigned_url(film)
        if url is not None:
            return redirect(url)
        return range_response(film_access.objects, film.object_key, download_name(film), film.sha256)

    _add_images(pages, uow, film_access)
    _add_copy(pages, uow, film_access)
    return pages


def _add_images(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/films/<night:night>/<receipt>/<kind>.jpg")
    @requires_permission("films.watch")
    def image(viewer: Viewer, night: date, receipt: str, kind: str) -> Response:
        with uow.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        if kind not in _IMAGE_KINDS or film.object_key is None:
            abort(404)
        response = image_response(film_access, film.object_key, _IMAGE_KINDS[kind])
        # The grid of the review reports by itself which sheets were on the screen.
        if response.status_code == 200 and kind == "sheet" and "grid" not in request.args:
            record_view(uow, viewer, film, "contact_sheet")
        return response


def image_response(film_access: FilmAccess, object_key: str, kind: str, at_s: float | None = None) -> Response:
    """An image of a film or photo; 202 while it is being drawn, 404 if it cannot be drawn."""
    try:
        body = film_access.film_images.read_image(film_access.image_queue.find_image(object_key, kind, at_s))
    except (PictureError, ObjectMissing):
        abort(404)
    except FilmImagesBusy:
        return Response(status=202, headers={"Retry-After": str(_RETRY_AFTER_S)})
    return Response(body, content_type="image/jpeg", headers={"Cache-Control": _CACHE_CONTROL})


def _add_copy(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.post("/films/<night:night>/<receipt>/copy")
    @requires_permission("films.download")
    def copy(viewer: Viewer, night: date, receipt: str) -> Response:
        with uow.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        if film.object_key is None:
            abort(404)
        now = uow.clock.now().astimezone(uow.zone)
        try:
            watermark = f"{viewer.name} {now:%Y-%m-%d %H:%M} {film.receipt}"
            file = film_access.film_images.watermarked_copy(film.object_key, watermark)
        except (PictureError, ObjectMissing) as error:
            log.warning("no copy of %s: %s", film.receipt, error)
            return error_page(404, "films.watermarked_copy_impossible")
        except FilmImagesBusy:
            return error_page(503, "films.watermarked_copy_busy")
        record_view(uow, viewer, film, "download")
        return _send_file(file, f"{film.night}-{film.receipt}.mp4")


def _send_file(file: BinaryIO, name: str) -> Response:
    response = Response(wrap_file(request.environ, file), direct_passthrough=True)
    response.content_length, response.content_type = os.stat(file.fileno()).st_size, "video/mp4"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response
