"""Our end of the sandbox process.

It is started for the first task, imports what each task needs once, and forks for every task:

    request() ── request + reply pipe ──> sandbox ── fork ──> guard ── fork ──> child (limits, task)
      └──────────── one line of JSON, or nothing ───────────────┴────────────────┘

The child responds for the file; the guard responds if the file killed the child. So no response never means a bad
file: the sandbox died, or the machine is out of memory or processes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

STARTUP_ALLOWANCE_S = 10.0  # added to the timeout, for starting the sandbox on a busy machine
MAX_ATTEMPTS = 2
MAX_RESPONSE_BYTES = select.PIPE_BUF
STARTUP_CODE = "import sys; sys.path[:] = sys.argv[1:]; from storage.sandbox.server import serve; serve()"

_lock = threading.Lock()
_client: SandboxClient | None = None


def request(payload: bytes, timeout_s: float) -> bytes:
    """The response of the sandbox. Raises OSError if there is none."""
    for _ in range(MAX_ATTEMPTS):
        client = _current()
        with contextlib.suppress(ConnectionError):
            if response := client.request(payload, timeout_s + STARTUP_ALLOWANCE_S):
                return response
        _retire(client)
    raise OSError("the sandbox does not respond; see standard error and the free memory of the machine")


class SandboxClient:
    def __init__(self) -> None:
        # A packet socket: requests of several threads cannot mix, and the end of the peer is noticed.
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A new interpreter, so that it does not inherit our threads, locks and secrets; a new session, so that Ctrl-C
        # at the terminal does not reach it.
        places = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-c", STARTUP_CODE, *places],
                env={},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def request(self, payload: bytes, timeout_s: float) -> bytes:
        """The response, empty if there was none. Raises TimeoutError, or ConnectionError if the sandbox is gone."""
        reading, writing = os.pipe()
        try:
            try:
                socket.send_fds(self._requests, [payload], [writing])
            finally:
                os.close(writing)
            poller = select.poll()
            poller.register(reading, select.POLLIN)
            if not poller.poll(timeout_s * 1000):
                raise TimeoutError("the sandbox does not respond")
            return os.read(reading, MAX_RESPONSE_BYTES)
        finally:
            os.close(reading)

    def stop(self) -> None:
        """End the sandbox process; kill it if it does not end."""
        self._requests.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def detach_after_fork(self) -> None:
        """For a forked child of ours: the sandbox belongs to the parent, which waits for it."""
        self._requests.close()
        self._process.returncode = 0


def _current() -> SandboxClient:
    global _client
    with _lock:
        if _client is None:
            _client = SandboxClient()
        return _client


def _retire(client: SandboxClient) -> None:
    """Does nothing if another thread has replaced the client already."""
    global _client
    with _lock:
        if _client is not client:
            return
        _client = None
    client.stop()


def _stop_at_exit() -> None:
    if _client is not None:
        _retire(_client)


def _detach_after_fork() -> None:
    global _client, _lock
    _lock = threading.Lock()
    if _client is not None:
        _client.detach_after_fork()
        _client = None


atexit.register(_stop_at_exit)
os.register_at_fork(after_in_child=_detach_after_fork)
