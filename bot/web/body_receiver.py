"""Refuses a body that is too large as soon as its headers have arrived.

Waitress receives a whole body, a long one in a temporary file, before the application learns of the request. So this
limit alone keeps a client from filling the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

# Headers are received before anything is known of a request; ours hold one cookie of a few hundred bytes.
MAX_HEADER_BYTES = 32 * 1024


def limit_bodies(server: Any, max_bytes: Callable[[str, str], int]) -> None:
    """Ask `max_bytes(path, cookie header)` for each request whose body exceeds the limit of the server's settings."""

    class Parser(HTTPRequestParser):  # type: ignore[misc]
        adj: Any

        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            if self.chunked or self.content_length >= self.adj.max_request_body_size:
                self.adj = copy(self.adj)
                self.adj.max_request_body_size = max_bytes(self.path, self.headers.get("COOKIE", ""))

    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class = Parser

    server.channel_class = Channel
