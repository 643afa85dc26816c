"""Runs a function on an untrusted file, in a child process with limits.

__init__.py   run, Limits, TaskFailed: the interface of this package
client.py     our end of the sandbox process
server.py     the sandbox: one short-lived process for every task
limits.py     what such a process may use

FFmpeg reads films in it and openpyxl workbooks: both can be made to take minutes and gigabytes, and FFmpeg, written
in C, to do anything at all.
"""

from __future__ import annotations

import json
from typing import Any

from storage.sandbox import client
from storage.sandbox.limits import Limits as Limits


class TaskFailed(Exception):
    """The file made its task exceed a limit, or crash."""


def run(task: str, *args: Any, limits: Limits) -> Any:
    """Call `task`, "module:function", in a child process; arguments and result are values for JSON.

    The result fits into 4 kB; what is larger goes into a file. The child has no environment variables, and within it
    only what it prints to standard error comes back. Thread-safe.

    Raises TaskFailed, and OSError for what is not due to the file (no such file, no sandbox process, a busy machine);
    try again later.
    """
    request = json.dumps([task, list(args), vars(limits)]).encode()
    response = json.loads(client.request(request, limits.elapsed_s))
    if "failed" in response:
        raise TaskFailed(response["failed"])
    return response["result"]
