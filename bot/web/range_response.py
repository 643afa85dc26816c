"""A stored object over HTTP, with range requests: players need them to seek, and some do not play without them."""

from __future__ import annotations

from flask import Response, abort, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import wrap_file

from storage.objects import ObjectMissing, ObjectStore

_CHUNK_BYTES = 256 * 1024
_CONTENT_TYPES = {
    "mp4": "video/mp4",
    "3gp": "video/3gpp",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def range_response(
    objects: ObjectStore, key: str, file_name: str, sha256: str | None = None, *, is_attachment: bool = False
) -> AnyResponse:
    """The object or the requested range of it; 404 when it is missing. `sha256` becomes the ETag."""
    try:
        stat, file = objects.stat(key), objects.open(key)
    except ObjectMissing:
        abort(404)
    size = stat.size if stat else 0
    body = wrap_file(request.environ, file, _CHUNK_BYTES)
    response = Response(body, direct_passthrough=True)
    response.content_length, response.content_type = size, _content_type(key)
    response.headers.set("Content-Disposition", "attachment" if is_attachment else "inline", filename=file_name)
    response.headers["Cache-Control"] = "private, no-cache"
    response.call_on_close(file.close)
    if sha256:
        response.set_etag(sha256)
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        response.close()
        return Response(status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    if response.status_code == 206 and "wsgi.file_wrapper" in request.environ:
        # Werkzeug would read the range in this thread for as long as the client takes. The server sends the file
        # itself, from where it stands and as many bytes as the Content-Length says.
        file.seek(response.content_range.start or 0)
        response.response = body
    return response


def _content_type(key: str) -> str:
    return _CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
