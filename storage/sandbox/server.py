"""The sandbox process: reads requests from standard input and forks a child with limits for every task."""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from storage.sandbox.limits import Limits, apply_limits

MAX_REQUEST_BYTES = 65536
# The child responded; it met an error that is not due to the file; it took too long without using the processor; or
# SIGKILL, which the kernel sends when memory runs out.
EXIT_CODES_WITHOUT_FAULT = {0, os.EX_TEMPFAIL, -signal.SIGALRM, -signal.SIGKILL}


def serve() -> None:
    """Fork a guard for every request until the service closes its end of the socket."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A service manager signals every process of the service, but pending tasks must still be answered.
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests = socket.socket(fileno=sys.stdin.fileno())
    while True:
        request, replies, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 1)
        if not request:
            return
        task, args, limits = json.loads(request)
        _import_once(task)
        if _fork() == 0:
            requests.close()
            _guard(task, args, Limits(**limits), replies[0])
        os.close(replies[0])


def _import_once(task: str) -> None:
    """Import the module of a task before the fork, so that the next task need not."""
    module = task.partition(":")[0]
    if module not in sys.modules:
        importlib.import_module(module)
        gc.freeze()


def _fork() -> int | None:
    """As os.fork, but None if the machine cannot start a process; the service then gets no response."""
    try:
        return os.fork()
    except OSError:
        traceback.print_exc()
        return None


def _guard(task: str, args: list[Any], limits: Limits, reply_fd: int) -> NoReturn:
    """Wait for the child, and respond in its place if the file killed it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        _run(task, args, limits, reply_fd)
    exit_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if exit_code not in EXIT_CODES_WITHOUT_FAULT:
        _respond(reply_fd, {"failed": f"exit code {exit_code}"})
    os._exit(0)


def _run(task: str, args: list[Any], limits: Limits, reply_fd: int) -> NoReturn:
    """Any other error ends this process with a traceback and exit code 1."""
    module, _, function = task.partition(":")
    try:
        apply_limits(limits)
        _respond(reply_fd, {"result": getattr(sys.modules[module], function)(*args)})
    except (MemoryError, RecursionError) as error:
        _respond(reply_fd, {"failed": repr(error)})
    except OSError as error:
        if error.errno == errno.EFBIG:
            _respond(reply_fd, {"failed": "too large a result"})
        else:
            traceback.print_exc()
            os._exit(os.EX_TEMPFAIL)
    os._exit(0)


def _respond(reply_fd: int, response: dict[str, Any]) -> None:
    os.write(reply_fd, json.dumps(response).encode())
