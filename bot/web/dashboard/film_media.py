"""The bytes of films and their pictures."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

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
from storage.db.models import Submission
from storage.errors import OperationRefused
from storage.film import PictureError
from storage.objects import ObjectMissing

log = logging.getLogger(__name__)
# The picture that each address shows.
_PICTURES = {"thumb": "thumbnail", "sheet": "contact_sheet"}
_A_DAY = "private, max-age=86400"


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/films/media/<token>, and the pictures and the copy of a film."""
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
        elsewhere = film_access.presigned_url(film)
        return redirect(elsewhere) if elsewhere is not None else _here(film, film_access)

    _add_pictures(pages, uow, film_access)
    _add_copy(pages, uow, film_access)
    return pages


def _here(film: Submission, gallery: FilmAccess) -> AnyResponse:
    assert film.object_key is not None
    return range_response(gallery.objects, film.object_key, download_name(film), film.sha256)


def _add_pictures(pages: Blueprint, memory: UnitOfWork, gallery: FilmAccess) -> None:
    @pages.get("/films/<night>/<receipt>/<kind>.jpg")
    @requires_permission("films.watch")
    def picture(viewer: Viewer, night: str, receipt: str, kind: str) -> Response:
        with memory.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        if kind not in _PICTURES or film.object_key is None:
            abort(404)
        try:
            body = gallery.film_images.read_image(gallery.film_images.ensure_image(film.object_key, _PICTURES[kind]))
        except (PictureError, ObjectMissing) as error:
            log.warning("no picture of %s: %s", film.receipt, error)
            abort(404)
        except FilmImagesBusy:
            return Response(status=503, headers={"Retry-After": "5"})
        if kind == "sheet":
            record_view(memory, viewer, film, "contact_sheet")
        return Response(body, content_type="image/jpeg", headers={"Cache-Control": _A_DAY})


def _add_copy(pages: Blueprint, memory: UnitOfWork, gallery: FilmAccess) -> None:
    @pages.post("/films/<night>/<receipt>/copy")
    @requires_permission("films.download")
    def copy(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        if film.object_key is None:
            abort(404)
        now = memory.clock.now().astimezone(memory.zone)
        with ExitStack() as stack:
            try:
                words = f"{viewer.name} {now:%Y-%m-%d %H:%M} {film.receipt}"
                path = stack.enter_context(gallery.film_images.watermarked_copy(film.object_key, words))
            except (PictureError, ObjectMissing) as error:
                log.warning("no copy of %s: %s", film.receipt, error)
                return error_page(404, "films.watermarked_copy_impossible")
            except FilmImagesBusy:
                return error_page(503, "films.watermarked_copy_busy")
            record_view(memory, viewer, film, "download")
            return _streamed(path, f"{film.night}-{film.receipt}.mp4", stack.pop_all())


def _streamed(path: Path, name: str, until_sent: ExitStack) -> Response:
    """The file, which is gone once it has been sent."""
    file = until_sent.enter_context(path.open("rb"))
    response = Response(wrap_file(request.environ, file, 256 * 1024), direct_passthrough=True)
    response.content_length, response.content_type = path.stat().st_size, "video/mp4"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.call_on_close(until_sent.close)
    return response
