"""A name that one process at a time may bear."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from storage.db.process_locks import Claim, claim

BEARER = """
import sys
from sqlalchemy import make_url
from storage.db.process_locks import claim
mine = claim(make_url(sys.argv[1]), "executor-w1")
print(mine.take(), flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]
Named = Callable[[str], Claim]


def test_two_cannot_bear_a_name_at_once(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/patrol.db")
    first, second, other = claim(url, "executor-w1"), claim(url, "executor-w1"), claim(url, "executor-w/2")
    assert (first.take(), second.take(), other.take(), first.take()) == (True, False, True, True)
    first.release()
    assert second.take()


def test_the_lock_is_for_our_eyes_only(tmp_path: Path) -> None:
    claim(make_url(f"sqlite:///{tmp_path}/patrol.db"), "executor-w1").take()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_process_that_was_killed_bears_no_name(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/patrol.db"
    with subprocess.Popen(
        [sys.executable, "-c", BEARER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as bearer:
        assert bearer.stdout is not None
        assert bearer.stdout.readline() == "True\n"
        mine = claim(make_url(url), "executor-w1")
        assert not mine.take()
        os.kill(bearer.pid, signal.SIGKILL)
        bearer.wait()
        assert mine.take()
