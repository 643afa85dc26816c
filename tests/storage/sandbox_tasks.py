"""Tasks that the tests run in the sandbox."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path


def environment() -> list[str]:
    return [*os.environ, *Path("/proc/self/environ").read_text().split("\0")]


def attempts() -> dict[str, str]:
    """The result of each forbidden operation."""
    return {
        "socket": _outcome(lambda: socket.socket().close()),
        "unix socket": _outcome(lambda: socket.socket(socket.AF_UNIX).close()),
        "program": _outcome(lambda: subprocess.run([sys.executable, "-V"], check=True)),
        "fork": _outcome(os.fork),
        "thread": _outcome(threading.Thread(target=int).start),
    }


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except (OSError, ValueError, RuntimeError) as error:
        return type(error).__name__
    return "done"


def allocate(size: int) -> int:
    return len(b"x" * size)


def write(target: str, size: int) -> None:
    with open(target, "wb") as file:
        file.write(b"x" * size)


def open_files(count: int) -> int:
    return len([open("/dev/null") for _ in range(count)])


def compute(seconds: float) -> float:
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass
    return seconds


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds
