"""Web servers for a single test, as the hosts behind addresses of others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import make_server

Answer = Callable[[Request], Response]


class Site:
    """A web server of the test's own, and what it was asked."""

    def __init__(self, url: str, asked: list[str]) -> None:
        self.url, self.asked = url, asked
        self.port = int(url.rpartition(":")[2])


@contextmanager
def site(answer: Answer) -> Iterator[Site]:
    asked: list[str] = []

    @Request.application
    def app(request: Request) -> Response:
        asked.append(request.path)
        return answer(request)

    with served(app) as url:
        yield Site(url, asked)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application on the loopback until the end of the block; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
