"""Hostile requests to every route: odd values in the path, query, form, JSON, file names, cookies and headers.

A seeded dice makes the same requests in every run.
"""

from __future__ import annotations

import inspect
import io
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.web.dashboard import film_access
from bot.workbooks.register.schema import SHEETS
from tests.web.url_map import URL_VALUES, Route

# Reads the night in the query for several pages.
_SHARED = Path(inspect.getfile(film_access))
HOSTILE = (
    "",
    "\0",
    "2026-11-24\0",
    "甲\0化工",
    "0",
    "-1",
    "1.5",
    "1e20",
    "nan",
    "-inf",
    "²",
    "١٢٣",
    "1_000",
    " 1 ",
    str(2**31),
    str(2**63),
    str(-(2**63) - 1),
    "9" * 400,
    "9" * 5000,
    "0001-01-01",
    "0000-00-00",
    "2026-02-30",
    "9999-12-31",
    "10000-01-01",
    "2026-W48-2",
    "1124-9999",
    "x" * 9000,
    "%" * 3000,
    "_%\\'\"",
    "'; drop table person; --",
    "<script>alert(1)</script>",
    "{0}{name}%s%n{{7*7}}",
    "../../etc/passwd",
    "//example.org/\\",
    "http://[",
    "\r\nX-Injected: 1",
    "\ud800",
    "\u202e险情\u200b",
    "😀" * 300,
    "[]",
    '{"a": "\\u0000"}',
    "1124-0001",
    "险情",
)
_PLAUSIBLE = (*URL_VALUES.values(), "problem", "all", "巡检员", "/", "7", "2026-11-25")
_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Cookie",
    "Content-Type",
    "Host",
    "HX-Request",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-CSRFToken",
    "X-Forwarded-For",
    "X-HTTP-Method-Override",
    "Upload-Checksum",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


@cache
def names(source: Path) -> tuple[str, ...]:
    """Every string in the file of a view that may be the name of a parameter or form field, and columns of sheets."""
    texts = source.read_text("utf-8") + _SHARED.read_text("utf-8")
    columns = (
        {column.field for sheet in SHEETS for column in sheet.columns}
        if source.name in ("register.py", "roster.py")
        else set()
    )
    return tuple(sorted({*re.findall(r'(?<=[(\[ ])"([a-z_]{1,20})"(?=[,)\]])', texts), *columns} - {"csrf_token"}))


@dataclass
class Attempt:
    """One request; `how` are the arguments of a test client's open()."""

    method: str
    path: str
    how: dict[str, Any] = field(default_factory=dict)


@dataclass
class HostileRequests:
    """Requests with one hostile value in some of its places."""

    dice: random.Random

    def to(self, route: Route, value: str, csrf_token: str) -> Attempt:
        """A request to a route; a good CSRF token lets it past the first check, mostly."""
        values: dict[str, str | bytes] = {name: _octets(self._choice(value, 2)) for name in route.variables}
        path = route.path(values)
        query = "&".join(f"{name}={quote(_octets(self._choice(value, 2)))}" for name in self._some(route))
        headers = {"Referer": "https://patrol.example.org/", "X-CSRFToken": csrf_token, "Tus-Resumable": "1.0.0"}
        for name in _HEADERS:
            if self.dice.randrange(60) == 0:
                headers[name] = _header(value)
        attempt = Attempt(route.method, f"{path}?{query}", {"headers": headers})
        if route.method in _CHANGES:
            attempt.how |= self._body(route, value)
        return attempt

    def _choice(self, value: str, one_in: int) -> str:
        return value if self.dice.randrange(one_in) == 0 else self.dice.choice(_PLAUSIBLE)

    def _some(self, route: Route) -> Iterator[str]:
        return (name for name in names(route.source) if self.dice.randrange(2) == 0)

    def _body(self, route: Route, value: str) -> dict[str, Any]:
        form = {name: self._choice(value, 2) for name in self._some(route)}
        kind = self.dice.choice(("form", "form", "file", "json", "bytes"))
        if kind == "json":
            return {"json": {**form, value: [value, None, {"a": value}]}}
        if kind == "bytes":
            content_type = self.dice.choice(("text/xml", "application/offset+octet-stream", "multipart/form-data"))
            return {"data": _octets(value), "content_type": content_type}
        data: dict[str, Any] = {name: _octets(each).decode("utf-8", "replace") for name, each in form.items()}
        if kind == "file":
            name = re.sub(r"[\r\n\"]", "?", _octets(value).decode("utf-8", "replace"))[:400] or "a.xlsx"
            data["file"] = (io.BytesIO(_octets(value)), name)
        return {"data": data}


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _header(value: str) -> str:
    """A header may hold any octet but the ends of lines, which no server passes on."""
    return re.sub(r"[\r\n]", " ", _octets(value).decode("latin1"))
