"""A lock that one process at a time holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import make_url

from storage.db.process_locks import process_lock

HOLDER = """
import sys
from sqlalchemy import make_url
from storage.db.process_locks import process_lock
lock = process_lock(make_url(sys.argv[1]), "executor-w1")
print(lock.acquire(), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]


def test_two_cannot_hold_a_lock_at_once(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/patrol.db")
    first, second = process_lock(url, "executor-w1"), process_lock(url, "executor-w1")
    other = process_lock(url, "executor-w/2")
    assert (first.acquire(), second.acquire(), other.acquire(), first.acquire()) == (True, False, True, True)
    first.release()
    assert second.acquire()


def test_the_lock_file_is_private(tmp_path: Path) -> None:
    process_lock(make_url(f"sqlite:///{tmp_path}/patrol.db"), "executor-w1").acquire()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/patrol.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        lock = process_lock(make_url(url), "executor-w1")
        assert not lock.acquire()
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        assert lock.acquire()
