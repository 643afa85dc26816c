"""A wire between the service and a server, which can be cut, pinched or broken in the middle of a body."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

PIECE = 16 * 1024


class Relay:
    """Carries bytes both ways. `away` takes no connection, `slow_s` waits before each piece, `cut_after` breaks a
    connection off after so many bytes from the service, and the answer to a GET of `slow_path` comes at
    `bytes_per_s`."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 443)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.away, self.slow_s, self.cut_after = False, 0.0, None
        self.slow_path, self.bytes_per_s = "", 0
        self.broken = 0
        self._open: set[socket.socket] = set()
        self._pause = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    away: bool
    slow_s: float
    cut_after: int | None
    slow_path: str
    bytes_per_s: int

    def well(self) -> None:
        """From now on it is only a wire."""
        self.away, self.slow_s, self.cut_after = False, 0.0, None

    def cut(self) -> None:
        """Break everything that is under way, and take no connection until `well`."""
        self.away = True
        for each in list(self._open):
            self._close(each)

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.away:
                self.broken += 1
                self._close(client)
            else:
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            self._close(client)
            return
        server.settimeout(None)
        self._open |= {client, server}
        is_slow = threading.Event()
        threading.Thread(target=self._pump, args=(server, client, is_slow, False), daemon=True).start()
        self._pump(client, server, is_slow, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_slow: threading.Event, outward: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if outward and piece.startswith((b"GET ", b"POST ")):
                    (is_slow.set if piece.startswith(f"GET {self.slow_path}".encode()) else is_slow.clear)()
                if self.slow_s:
                    self._pause.wait(self.slow_s)
                if self.slow_path and self.bytes_per_s and not outward and is_slow.is_set():
                    self._pause.wait(len(piece) / self.bytes_per_s)
                sink.sendall(piece)
                carried += len(piece)
                if outward and self.cut_after is not None and carried >= self.cut_after:
                    self.broken += 1
                    break
        for each in (source, sink):
            self._close(each)

    def _close(self, each: socket.socket) -> None:
        self._open.discard(each)
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def relay(target: str) -> Iterator[Relay]:
    """A wire to an address, until the end of the block."""
    made = Relay(target)
    try:
        yield made
    finally:
        made.close()
