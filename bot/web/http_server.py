"""The HTTP server: waitress, with threads of its own for callbacks, which must never wait for pages.

One thread moves the bytes of all connections. A request gets a thread once it has arrived completely, and the thread is
free again as soon as the answer is handed over: a client that reads slowly occupies a connection, but no thread.
"""

from __future__ import annotations

import logging
import re
import resource
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask
from waitress import create_server
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.task import ThreadedTaskDispatcher

from bot.config import Config, SettingsError
from bot.texts import os_error_text, say
from bot.web.body_limits import MAX_RECEIVED_BYTES, max_received_bytes
from bot.web.body_receiver import MAX_HEADER_BYTES, limit_bodies

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

CALLBACK_THREADS = 8
# A readiness check waits for the database and the platform: it must delay neither callbacks nor pages.
_PAGE_THREADS, _PROBE_THREADS = 8, 2
# Like the application, treat several slashes at the beginning of a path as one. Percent signs are decoded already.
_CALLBACK_PATHS = re.compile(r"/+(callbacks/|health/live$)")
_PROBE_PATHS = re.compile(r"/+(health/ready|metrics)$")
# A hundred browsers keep their connections open, and callbacks come on top of them.
_MAX_CONNECTIONS = 1000
# A connection, the file sent over it, and a temporary file for a long body; many systems allow only 1024 at first.
_MAX_OPEN_FILES = 4 * _MAX_CONNECTIONS
_PIECE_BYTES = 256 * 1024
_SETTINGS = {
    "threads": 0,
    "max_request_header_size": MAX_HEADER_BYTES,
    "max_request_body_size": MAX_RECEIVED_BYTES,
    "channel_timeout": 30,
    "ident": None,
    "connection_limit": _MAX_CONNECTIONS,
    "asyncore_use_poll": True,
    # The client's address is only taken from a proxy on the same machine: any other client could forge it.
    "trusted_proxy": "127.0.0.1",
    "trusted_proxy_count": 1,
    "clear_untrusted_proxy_headers": True,
    "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
}
_LAST_ANSWERS_S = 1


class _RequestDispatcher:
    """Waitress's task dispatcher, with a group of threads for each kind of request. A task is a connection."""

    def __init__(self) -> None:
        self._callbacks, self._probes, self._pages = (ThreadedTaskDispatcher() for _ in range(3))
        self._groups = (self._callbacks, self._probes, self._pages)
        for group, threads in zip(self._groups, (CALLBACK_THREADS, _PROBE_THREADS, _PAGE_THREADS), strict=True):
            group.set_thread_count(threads)

    def add_task(self, channel: Any) -> None:
        """Called each time that another request of a connection is the next to be answered."""
        request = channel.requests[0]
        path = "" if request.error else request.path  # a request that cannot be parsed has no path
        if _CALLBACK_PATHS.match(path):
            self._callbacks.add_task(channel)
        elif _PROBE_PATHS.match(path):
            self._probes.add_task(channel)
        else:
            self._pages.add_task(_PageTask(channel))

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        for group in self._groups:
            group.set_thread_count(0)
        for group in self._groups:
            group.shutdown(cancel_pending, timeout / len(self._groups))


class _PageTask:
    """Answers one request. Where the client has sent the next one without waiting, the answer ends the connection:
    before the next request waitress would hold the thread until the client has read most of the answer."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def service(self) -> None:
        with self._channel.requests_lock:
            if len(self._channel.requests) > 1:
                self._channel.requests[0].headers["CONNECTION"] = "close"
        self._channel.service()

    def cancel(self) -> None:
        self._channel.cancel()


class _FileInPieces(ReadOnlyFileBasedBuffer):  # type: ignore[misc]
    """A file that waitress sends: after each piece the other connections have their turn.

    A client that reads as fast as we write would otherwise occupy the one sending thread until it has the whole film.
    """

    _piece_sent = False

    def get(self, numbytes: int = -1, skip: bool = False) -> bytes:
        """The next piece, and every other time nothing, upon which waitress turns to the next connection."""
        self._piece_sent = not self._piece_sent
        if not self._piece_sent:
            return b""
        return bytes(super().get(min(numbytes, _PIECE_BYTES), skip))


def _send_files_in_pieces(application: WSGIApplication) -> WSGIApplication:
    def call(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        environ["wsgi.file_wrapper"] = _FileInPieces
        return application(environ, start)

    return call


def start_web_server(app: Flask, config: Config) -> Callable[[], None]:
    """Answer requests in threads of their own; the result stops that. Raises SettingsError."""
    channels: dict[int, Any] = {}
    _raise_open_files_limit()
    server = create_server(_send_files_in_pieces(app), map=channels, sockets=[_listening_socket(config)], **_SETTINGS)
    limit_bodies(server, partial(max_received_bytes, app))
    server.task_dispatcher = _RequestDispatcher()
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    log.info("listening on http://%s:%s", config.HOST, server.effective_port)

    def close_channels() -> None:
        """Runs in waitress's own loop, which ends when none is left."""
        for channel in list(server.active_channels.values()):
            channel.handle_close()  # also closes the files that were being sent
        for other in list(channels.values()):
            other.close()

    def close() -> None:
        server.task_dispatcher.shutdown(timeout=_LAST_ANSWERS_S)
        server.trigger.pull_trigger(close_channels)
        thread.join(timeout=_LAST_ANSWERS_S)

    return close


def _raise_open_files_limit() -> None:
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < _MAX_OPEN_FILES:
        wanted = _MAX_OPEN_FILES if most == resource.RLIM_INFINITY else min(_MAX_OPEN_FILES, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _listening_socket(config: Config) -> socket.socket:
    """A socket on HOST and PORT, also for a name with several addresses. Raises SettingsError."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            config.HOST, config.PORT, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        place = f"{config.HOST}:{config.PORT}"
        raise SettingsError(say("settings.cannot_listen", address=place, error=os_error_text(error))) from error
    return listening
