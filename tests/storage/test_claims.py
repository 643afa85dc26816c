"""A name that one process at a time may bear."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from storage.db.process_locks import ProcessLock, process_lock

BEARER = """
import sys
from sqlalchemy import make_url
from storage.db.process_locks import process_lock
mine = process_lock(make_url(sys.argv[1]), "executor-w1")
print(mine.acquire(), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]
Named = Callable[[str], ProcessLock]


def test_two_cannot_bear_a_name_at_once(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/patrol.db")
    first, second, other = (
        process_lock(url, "executor-w1"),
        process_lock(url, "executor-w1"),
        process_lock(url, "executor-w/2"),
    )
    assert (first.acquire(), second.acquire(), other.acquire(), first.acquire()) == (True, False, True, True)
    first.release()
    assert second.acquire()


def test_the_lock_is_for_our_eyes_only(tmp_path: Path) -> None:
    process_lock(make_url(f"sqlite:///{tmp_path}/patrol.db"), "executor-w1").acquire()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_process_that_was_killed_bears_no_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/patrol.db"
    with subprocess.Popen(
        [sys.executable, "-c", BEARER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as bearer:
        assert bearer.stdout is not None
        assert bearer.stdout.readline() == "True\n"
        mine = process_lock(make_url(url), "executor-w1")
        assert not mine.acquire()
        os.kill(bearer.pid, signal.SIGKILL)
        bearer.wait()
        assert mine.acquire()
