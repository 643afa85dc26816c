"""The helper process: takes requests on its standard input and gives every film a child with limits."""

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
# What can be asked for; each answers with values for JSON, of which `fault` is one.
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "probe": lambda path: asdict(probe_file(path)),
    "thumbnail": pictures.draw_thumbnail,
    "still": pictures.draw_still,
    "contact_sheet": pictures.draw_contact_sheet,
    "watermark": watermark.write_watermarked,
}
# An answer was given; the file could not be opened; or SIGKILL, which comes from a machine without memory.
EXIT_CODES_WITHOUT_FAULT = {0, os.EX_TEMPFAIL, -signal.SIGKILL}


def serve() -> None:
    """Forks a guard for every request until the service closes its end."""
    for for_the_service in (signal.SIGINT, signal.SIGTERM):
        # A service manager signals every process of the service; films in hand are still to be answered.
        signal.signal(for_the_service, signal.SIG_IGN)
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
            task, patience_s, *args = json.loads(request)
            _guard(task, args, patience_s, replies[0])
        os.close(replies[0])


def _fork() -> int | None:
    """As os.fork, but None where the machine has no room for a process: the service hears silence."""
    try:
        return os.fork()
    except OSError:
        traceback.print_exc()
        return None


def _guard(task: str, args: list[Any], patience_s: float, reply: int) -> NoReturn:
    """Waits for the examiner and answers in its place if the film was too much for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    examiner = os.fork()
    if examiner == 0:
        _examine(task, args, patience_s, reply)
    _, status = os.waitpid(examiner, 0)
    if os.waitstatus_to_exitcode(status) not in EXIT_CODES_WITHOUT_FAULT:
        _answer(reply, {"fault": "unreadable"})
    os._exit(0)


def _examine(task: str, args: list[Any], patience_s: float, reply: int) -> NoReturn:
    """An exception that nobody foresaw ends the process with its traceback, as in any program."""
    _limit(patience_s)
    try:
        _answer(reply, TASKS[task](*args))
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        _answer(reply, {"fault": f"unreadable: {error}"[:200]})
    except OSError:
        traceback.print_exc()
        os._exit(os.EX_TEMPFAIL)
    os._exit(0)


def _limit(patience_s: float) -> None:
    """The film's share of memory in bytes and of time in seconds; SIGALRM or SIGXCPU end the examiner."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    cpu_s = int(patience_s) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    signal.setitimer(signal.ITIMER_REAL, patience_s)


def _answer(reply: int, found: dict[str, Any]) -> None:
    os.write(reply, json.dumps(found).encode())
