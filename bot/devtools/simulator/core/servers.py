"""HTTP (waitress) and WebSocket servers in threads, on the loopback address."""

import json
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress.server import create_server
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websockets

from bot.devtools.simulator.core.records import Json

THREADS = 8
# A chunk of media fits, so that waitress never spills a response into a temporary file.
OUTPUT_BUFFER_BYTES = 32 * 1024 * 1024
MAX_FRAME_BYTES = 2 * 1024 * 1024

# Clients that vanish during the handshake are part of the tests, not errors to log.
logging.getLogger("websockets.server").setLevel(logging.CRITICAL)

AnswerFrame = Callable[["WebSocketServer", ServerConnection, str | bytes], Json | None]


class HttpServer:
    """One WSGI application; port 0 takes a free port."""

    def __init__(self, app: Flask, port: int = 0) -> None:
        self._server: Any = create_server(
            app,
            host="127.0.0.1",
            port=port,
            threads=THREADS,
            outbuf_overflow=OUTPUT_BUFFER_BYTES,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=True,
        )
        self.url = f"http://127.0.0.1:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, name="simulator", daemon=True)
        self._thread.start()

    def cut_connection(self, remote_port: str) -> None:
        """Shut down the connection from that client port at once."""
        for channel in list(self._server.active_channels.values()):
            if str(channel.addr[1]) == remote_port:
                channel.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop serving and close open connections."""
        self._server.trigger.pull_trigger(self._stop_loop)
        self._thread.join(timeout=10)
        self._server.task_dispatcher.shutdown()
        self._server.close()

    def _stop_loop(self) -> None:
        # Runs inside waitress's own loop, which ends when its map is empty. The trigger stays open until
        # the loop has ended: another thread may be about to write to it.
        for channel in list(self._server.active_channels.values()):
            channel.close()
        self._server._map.clear()


class WebSocketServer:
    """Passes each frame to `answer`, which also sets `connection`, the one that is logged in, under `lock`."""

    def __init__(self, answer: AnswerFrame, lock: threading.RLock, port: int = 0) -> None:
        self._answer, self._lock = answer, lock
        self.connection: ServerConnection | None = None
        self._server = serve_websockets(
            self._converse,
            "127.0.0.1",
            port,
            max_size=MAX_FRAME_BYTES,
            ping_interval=None,
            close_timeout=1,
            compression=None,
        )
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="gateway", daemon=True)
        self._thread.start()

    def push(self, frame: Json) -> bool:
        """Send a frame to the logged-in connection; False when there is none, and then the frame is lost."""
        return self.push_text(json.dumps(frame, ensure_ascii=False))

    def push_text(self, text: str) -> bool:
        """Like push(), for text that need not be a frame."""
        connection = self.connection
        if connection is None:
            return False
        try:
            connection.send(text)
        except ConnectionClosed:
            return False
        return True

    def drop_connection(self) -> None:
        """Close the socket without a closing handshake, as a network failure does."""
        connection = self.connection
        if connection is not None:
            connection.close_socket()

    def close(self) -> None:
        """Stop serving and drop the connection."""
        self._server.shutdown()
        self.drop_connection()
        self._thread.join(timeout=5)

    def _converse(self, connection: ServerConnection) -> None:
        try:
            for text in connection:
                answer = self._answer(self, connection, text)
                if answer is not None:
                    connection.send(json.dumps(answer, ensure_ascii=False))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._lock:
                if self.connection is connection:
                    self.connection = None
