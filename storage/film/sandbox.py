"""The sandbox process: reads requests from standard input and forks a child with limits for every film."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

import av

from storage.film import pictures, watermark
from storage.film.probe import probe_file

MEMORY_LIMIT_BYTES = 1_500_000_000
MAX_REQUEST_BYTES = 65536
MAX_FILE_BYTES = 1 << 30
# Each returns values for JSON, among them `fault`.
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "probe": lambda path: asdict(probe_file(path)),
    "thumbnail": pictures.draw_thumbnail,
    "still": pictures.draw_still,
    "contact_sheet": pictures.draw_contact_sheet,
    "watermark": watermark.write_watermarked,
}
# The examiner responded; it could not open the file; or SIGKILL, which the kernel sends when memory runs out.
EXIT_CODES_WITHOUT_FAULT = {0, os.EX_TEMPFAIL, -signal.SIGKILL}


def serve() -> None:
    """Fork a guard for every request until the service closes its end of the socket."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A service manager signals every process of the service, but pending films must still be answered.
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()
    requests = socket.socket(fileno=sys.stdin.fileno())
    while True:
        request, replies, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 1)
        if not request:
            return
        if _fork() == 0:
            requests.close()
            task, timeout_s, *args = json.loads(request)
            _guard(task, args, timeout_s, replies[0])
        os.close(replies[0])


def _fork() -> int | None:
    """As os.fork, but None if the machine cannot start a process; the service then gets no response."""
    try:
        return os.fork()
    except OSError:
        traceback.print_exc()
        return None


def _guard(task: str, args: list[Any], timeout_s: float, reply_fd: int) -> NoReturn:
    """Wait for the examiner, and respond in its place if the film killed it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    examiner = os.fork()
    if examiner == 0:
        _examine(task, args, timeout_s, reply_fd)
    _, status = os.waitpid(examiner, 0)
    if os.waitstatus_to_exitcode(status) not in EXIT_CODES_WITHOUT_FAULT:
        _respond(reply_fd, {"fault": "unreadable"})
    os._exit(0)


def _examine(task: str, args: list[Any], timeout_s: float, reply_fd: int) -> NoReturn:
    _set_limits(timeout_s)
    try:
        _respond(reply_fd, TASKS[task](*args))
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        _respond(reply_fd, {"fault": f"unreadable: {error}"[:200]})
    except OSError:
        traceback.print_exc()
        os._exit(os.EX_TEMPFAIL)
    os._exit(0)


def _set_limits(timeout_s: float) -> None:
    """Limits of memory, file size and time; SIGALRM or SIGXCPU end the examiner."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    cpu_s = int(timeout_s) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    signal.setitimer(signal.ITIMER_REAL, timeout_s)


def _respond(reply_fd: int, result: dict[str, Any]) -> None:
    os.write(reply_fd, json.dumps(result).encode())
