"""The bytes of films and their pictures."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import wrap_file

from bot.media.film_images import Busy
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.web.dashboard.error_pages import told
from bot.web.dashboard.film_access import Gallery, file_name, found_film, note_look
from bot.web.range_response import ranged
from handlers.permissions import Viewer
from storage.db.models import Submission
from storage.errors import Refused
from storage.film import CannotDraw
from storage.objects import ObjectMissing

log = logging.getLogger(__name__)
_PICTURES = ("thumb", "sheet")
_A_DAY = "private, max-age=86400"


def blueprint(memory: Memory, gallery: Gallery) -> Blueprint:
    """/films/media/<token>, and the pictures and the copy of a film."""
    pages = Blueprint("media", __name__)

    @pages.get("/films/media/<token>")
    @allowed("films.watch")
    def media(viewer: Viewer, token: str) -> Response | AnyResponse:
        try:
            film_id, person_id = gallery.links.media_of(token, memory.clock.now())
        except Refused as refused:
            return told(410 if refused.key == "films.link_expired" else 404, refused.key)
        with memory.reading() as store:
            film = store.submissions.get(film_id)
        if (
            film is None
            or film.object_key is None
            or person_id != viewer.person_id
            or not viewer.sees(film.enterprise_id)
        ):
            abort(404)
        elsewhere = gallery.elsewhere(film)
        return redirect(elsewhere) if elsewhere is not None else _here(film, gallery)

    _add_pictures(pages, memory, gallery)
    _add_copy(pages, memory, gallery)
    return pages


def _here(film: Submission, gallery: Gallery) -> AnyResponse:
    assert film.object_key is not None
    return ranged(gallery.objects, film.object_key, file_name(film), film.sha256)


def _add_pictures(pages: Blueprint, memory: Memory, gallery: Gallery) -> None:
    @pages.get("/films/<night>/<receipt>/<kind>.jpg")
    @allowed("films.watch")
    def picture(viewer: Viewer, night: str, receipt: str, kind: str) -> Response:
        with memory.reading() as store:
            film = found_film(store, viewer, night, receipt)
        if kind not in _PICTURES or film.object_key is None:
            abort(404)
        try:
            body = gallery.pictures.read(gallery.pictures.of(film.object_key, kind))
        except (CannotDraw, ObjectMissing) as error:
            log.warning("no picture of %s: %s", film.receipt, error)
            abort(404)
        except Busy:
            return Response(status=503, headers={"Retry-After": "5"})
        if kind == "sheet":
            note_look(memory, viewer, film, "sheet")
        return Response(body, content_type="image/jpeg", headers={"Cache-Control": _A_DAY})


def _add_copy(pages: Blueprint, memory: Memory, gallery: Gallery) -> None:
    @pages.post("/films/<night>/<receipt>/copy")
    @allowed("films.download")
    def copy(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.reading() as store:
            film = found_film(store, viewer, night, receipt)
        if film.object_key is None:
            abort(404)
        now = memory.clock.now().astimezone(memory.zone)
        with ExitStack() as stack:
            try:
                words = f"{viewer.name} {now:%Y-%m-%d %H:%M} {film.receipt}"
                path = stack.enter_context(gallery.pictures.marked_copy(film.object_key, words))
            except (CannotDraw, ObjectMissing) as error:
                log.warning("no copy of %s: %s", film.receipt, error)
                return told(404, "films.no_copy")
            except Busy:
                return told(503, "films.copy_busy")
            note_look(memory, viewer, film, "download")
            return _streamed(path, f"{film.night}-{film.receipt}.mp4", stack.pop_all())


def _streamed(path: Path, name: str, until_sent: ExitStack) -> Response:
    """The file, which is gone once it has been sent."""
    file = until_sent.enter_context(path.open("rb"))
    response = Response(wrap_file(request.environ, file, 256 * 1024), direct_passthrough=True)
    response.content_length, response.content_type = path.stat().st_size, "video/mp4"
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.call_on_close(until_sent.close)
    return response
