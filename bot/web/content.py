"""Safety films that are too large for the chat, opened through a signed link."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect
from werkzeug.wrappers import Response as AnyResponse

from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web.range_response import range_response
from storage.objects import ObjectStore

_PRESIGNED_URL_LIFETIME_S = 3600


def blueprint(uow: UnitOfWork, objects: ObjectStore, links: SignedLinks) -> Blueprint:
    """/content/<token>."""
    pages = Blueprint("content", __name__)

    @pages.get("/content/<token>")
    def play(token: str) -> Response | AnyResponse:
        link_id = links.read_content_token(token)
        with uow.read() as store:
            item = store.content.by_link(link_id) if link_id is not None else None
        if item is None or item.object_key is None or not item.in_use:
            abort(404)
        name = item.file_name or "film.mp4"
        url = objects.presigned_url(item.object_key, _PRESIGNED_URL_LIFETIME_S, name)
        if url is not None:
            return redirect(url)
        return range_response(objects, item.object_key, name, item.sha256)

    return pages
