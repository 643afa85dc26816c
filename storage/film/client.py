"""Our end of the process in which FFmpeg runs.

Films come from strangers and FFmpeg is written in C, so no film is opened in our own process. One helper is started at
the first film, loads FFmpeg once, and forks for every film:

    ask() ── request + reply pipe ──> helper ── fork ──> guard ── fork ──> examiner (limits, FFmpeg)
      └────────── one line of JSON, or silence ────────────┴──────────────────┘

The examiner answers for the film, the guard for an examiner that the film has killed. So silence is never the film's
fault: the helper was lost, or the machine is short of something.
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

STARTUP_ALLOWANCE_S = 10.0  # on top of the patience with the film, for starting the helper on a busy machine
MAX_ATTEMPTS = 2
MAX_RESPONSE_BYTES = select.PIPE_BUF
STARTUP_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from storage.film.sandbox import serve; serve()"

_lock = threading.Lock()
_helper: SandboxClient | None = None


def request(payload: bytes, timeout_s: float) -> bytes:
    """The child's answer to a request. Raises OSError if there is none."""
    for _ in range(MAX_ATTEMPTS):
        helper = _current()
        with contextlib.suppress(ConnectionError):
            if answer := helper.request(payload, timeout_s + STARTUP_ALLOWANCE_S):
                return answer
        _retire(helper)
    raise OSError("the film examiner does not answer; see standard error and the machine's memory")


class SandboxClient:
    """The process that examines, seen from ours."""

    def __init__(self) -> None:
        # A packet socket: the requests of several threads cannot mix, and its end is noticed.
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Its own interpreter, so that our threads, locks and main module stay out of it; its own session, so that
        # Ctrl-C at our terminal is left to us.
        root = str(Path(__file__).parents[2])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", STARTUP_CODE, root],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def request(self, payload: bytes, timeout_s: float) -> bytes:
        """One answer, empty if there was none. Raises TimeoutError, or ConnectionError if the helper is gone."""
        reading, writing = os.pipe()
        try:
            try:
                socket.send_fds(self._requests, [payload], [writing])
            finally:
                os.close(writing)
            waiting = select.poll()
            waiting.register(reading, select.POLLIN)
            if not waiting.poll(timeout_s * 1000):
                raise TimeoutError("the film examiner is not answering")
            return os.read(reading, MAX_RESPONSE_BYTES)
        finally:
            os.close(reading)

    def stop(self) -> None:
        """Lets the helper end, and sees that it does."""
        self._requests.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def detach_after_fork(self) -> None:
        """In a forked copy of our process: the helper belongs to the original, which waits for it."""
        self._requests.close()
        self._process.returncode = 0


def _current() -> SandboxClient:
    global _helper
    with _lock:
        if _helper is None:
            _helper = SandboxClient()
        return _helper


def _retire(helper: SandboxClient) -> None:
    """Another thread may have put a new helper in its place already; that one stays."""
    global _helper
    with _lock:
        if _helper is not helper:
            return
        _helper = None
    helper.stop()


def _stop_at_exit() -> None:
    if _helper is not None:
        _retire(_helper)


def _disown_after_fork() -> None:
    global _helper, _lock
    _lock = threading.Lock()
    if _helper is not None:
        _helper.detach_after_fork()
        _helper = None


atexit.register(_stop_at_exit)
os.register_at_fork(after_in_child=_disown_after_fork)
