"""waitress in a thread: started on a free port, stopped cleanly, able to cut a connection."""

import socket
import threading
from typing import Any

from flask import Flask
from waitress.server import create_server

THREADS = 8
# A chunk of media fits, so that waitress never spills an answer into a temporary file.
OUTPUT_BUFFER_BYTES = 32 * 1024 * 1024


class HttpServer:
    """One WSGI application on the loopback address."""

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
        """Close the connection from that port of the client, whatever it is waiting for."""
        for channel in list(self._server.active_channels.values()):
            if str(channel.addr[1]) == remote_port:
                channel.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop serving; connections that are open are closed."""
        self._server.trigger.pull_trigger(self._leave_the_loop)
        self._thread.join(timeout=10)
        self._server.task_dispatcher.shutdown()
        self._server.close()

    def _leave_the_loop(self) -> None:
        # Runs inside waitress's own loop, which ends when nothing is left to watch. The trigger stays open until
        # the loop has ended: another thread may be about to write to it.
        for channel in list(self._server.active_channels.values()):
            channel.close()
        self._server._map.clear()
