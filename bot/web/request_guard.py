"""Refuses requests that no page could use, before any page sees them: NUL characters and values that are too long.

PostgreSQL stores no NUL character, and SQLite searches no pattern over 50,000 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlsplit

from flask import abort, request

MAX_URL_BYTES, MAX_HEADER_BYTES, MAX_HEADERS_BYTES = 8 * 1024, 8 * 1024, 32 * 1024
MAX_FIELD_LENGTH, MAX_FIELD_NAME_LENGTH, MAX_FILE_NAME_LENGTH = 10_000, 200, 255


def refuse_hostile_head() -> None:
    """Check path, query, headers and cookies: 400, 414 or 431."""
    path, query = (request.environ[name].encode("latin1") for name in ("PATH_INFO", "QUERY_STRING"))
    if len(path) + len(query) > MAX_URL_BYTES:
        abort(414)
    headers = [f"{name}{value}" for name, value in request.headers.items()]
    if max(map(len, headers), default=0) > MAX_HEADER_BYTES or sum(map(len, headers)) > MAX_HEADERS_BYTES:
        abort(431)
    if b"\0" in path or b"\0" in unquote_to_bytes(query) or contains_nul([*headers, *request.cookies.values()]):
        abort(400)
    _refuse_malformed_origin()


def refuse_hostile_body() -> None:
    """Check the fields and files of a form: 400 or 413. No page reads JSON: 415.

    It parses the form, so it runs after the authorization, which bounds the size of the body.
    """
    if request.is_json:
        abort(415)
    fields, file_names = list(request.form.items(multi=True)), [file.filename or "" for file in request.files.values()]
    file_fields = list(request.files)
    if any(len(value) > MAX_FIELD_LENGTH for _, value in fields):
        abort(413)
    if any(len(name) > MAX_FIELD_NAME_LENGTH for name in [*request.form, *file_fields]):
        abort(400)
    if any(len(name) > MAX_FILE_NAME_LENGTH for name in file_names):
        abort(400)
    if contains_nul(text for pair in fields for text in pair) or contains_nul([*file_names, *file_fields]):
        abort(400)


def contains_nul(texts: Iterable[str]) -> bool:
    return any("\0" in text for text in texts)


def _refuse_malformed_origin() -> None:
    """The CSRF check parses these headers, and cannot parse an address like http://[."""
    try:
        urlsplit(request.headers.get("Referer", ""))
        urlsplit(request.headers.get("Origin", ""))
    except ValueError:
        abort(400)
