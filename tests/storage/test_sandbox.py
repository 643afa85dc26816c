"""The sandbox: what a task in it may use, and that neither a task nor a signal ends it for others."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage import sandbox
from storage.film import probe_film
from tests.films import make_big_film, make_film

PATIENCE_S = 20.0
LIMITS = sandbox.Limits(cpu_s=5.0)
TASKS = "tests.storage.sandbox_tasks:"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


def children_of(parent: int | str) -> list[int]:
    """Also of the threads of `parent`, since it is a thread that starts a process."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    with contextlib.suppress(OSError):
        return [int(child) for listing in found for child in listing.read_text().split()]
    return []


def sandboxes() -> list[int]:
    return [child for child in children_of("self") if b"storage.sandbox.server" in command_of(child)]


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_killed_sandbox_is_replaced(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=2)
    probe_film(tmp_path / "film.mp4")
    [lost] = sandboxes()
    os.kill(lost, signal.SIGKILL)
    assert probe_film(tmp_path / "film.mp4").fault is None
    [helper] = sandboxes()
    assert helper != lost


@pytest.mark.parametrize(
    ("blow", "fault"), [(signal.SIGSEGV, "unreadable"), (signal.SIGABRT, "unreadable"), (signal.SIGKILL, None)]
)
def test_a_crash_is_a_fault_of_the_film_but_lack_of_memory_is_not(
    tmp_path: Path, blow: signal.Signals, fault: str | None
) -> None:
    make_big_film(tmp_path / "film.mp4", 60)
    make_film(tmp_path / "small.mp4", seconds=2)
    probe_film(tmp_path / "small.mp4")
    [helper] = sandboxes()

    def examiners() -> list[int]:
        return [examiner for guard in children_of(helper) for examiner in children_of(guard)]

    wait_until(lambda: not children_of(helper), "the children of the small film are still there")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(probe_film, tmp_path / "film.mp4")
        wait_until(lambda: bool(examiners()), "no examiner was seen")
        os.kill(examiners()[0], blow)
        assert answer.result().fault == fault


PROGRAM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from storage.film import probe_film

print("main", flush=True)
with ThreadPoolExecutor(4) as pool:
    print({film.fault for film in pool.map(probe_film, [Path(sys.argv[1])] * 8)}, "av" in sys.modules, flush=True)
if (copy := os.fork()) == 0:
    assert probe_film(Path(sys.argv[1])).fault is None
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 7
print(*Path(f"/proc/self/task/{os.getpid()}/children").read_text().split(), flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
"""


def start_program(tmp_path: Path, *more: str) -> subprocess.Popen[str]:
    """A script without a guard around its main part, in another directory, with warnings as errors."""
    make_film(tmp_path / "film.mp4", seconds=2)
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "program.py", "film.mp4", *more]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def is_gone(process: int) -> bool:
    return b"storage.sandbox.server" not in command_of(process)


def test_a_program_ends_silently_and_leaves_no_process(tmp_path: Path) -> None:
    with start_program(tmp_path) as program:
        out, err = program.communicate(timeout=PATIENCE_S)
    main, answers, helper = out.splitlines()
    assert (main, answers, err, program.returncode) == ("main", "{None} False", "", 0)
    assert is_gone(int(helper))


def test_the_sandbox_ends_with_a_killed_program(tmp_path: Path) -> None:
    with start_program(tmp_path, "stay") as program:
        assert program.stdout is not None
        helper = int([program.stdout.readline() for _ in range(3)][-1])
        assert not is_gone(helper)
        program.kill()
    wait_until(lambda: is_gone(helper), "the helper has outlived its service")


def test_the_sandbox_ignores_signals_for_the_service(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", seconds=2)
    probe_film(tmp_path / "film.mp4")
    [helper] = sandboxes()
    for polite in (signal.SIGTERM, signal.SIGINT):
        os.kill(helper, polite)
    assert probe_film(tmp_path / "film.mp4").fault is None
    assert sandboxes() == [helper]


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_task_knows_no_secret_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the key of the service")
    assert not [each for each in sandbox.run(TASKS + "environment", limits=LIMITS) if "the key" in each]
    assert "SECRET_KEY" not in sandbox.run(TASKS + "environment", limits=LIMITS)


def test_a_task_has_no_network_and_starts_nothing() -> None:
    assert sandbox.run(TASKS + "attempts", limits=LIMITS) == {
        "socket": "PermissionError",
        "unix socket": "PermissionError",
        "program": "PermissionError",
        "fork": "PermissionError",
        "thread": "RuntimeError",
    }


def test_a_task_that_needs_too_much_memory_fails() -> None:
    assert sandbox.run(TASKS + "allocate", 100_000_000, limits=LIMITS) == 100_000_000
    with pytest.raises(sandbox.TaskFailed):
        sandbox.run(TASKS + "allocate", 600_000_000, limits=LIMITS)


def test_a_task_that_writes_too_large_a_file_fails(tmp_path: Path) -> None:
    limits = sandbox.Limits(cpu_s=5.0, file_bytes=1_000_000)
    sandbox.run(TASKS + "write", str(tmp_path / "small"), 1_000_000, limits=limits)
    with pytest.raises(sandbox.TaskFailed):
        sandbox.run(TASKS + "write", str(tmp_path / "large"), 1_000_001, limits=limits)


def test_what_is_not_due_to_the_file_is_an_error_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="does not respond"):
        sandbox.run(TASKS + "write", str(tmp_path / "no folder" / "file"), 1, limits=LIMITS)
    with pytest.raises(OSError, match="does not respond"):
        sandbox.run(TASKS + "open_files", 100, limits=LIMITS)


def test_the_processor_time_counts_and_waiting_does_not() -> None:
    short = sandbox.Limits(cpu_s=0.1)
    assert sandbox.run(TASKS + "wait", 0.3, limits=short) == 0.3
    with pytest.raises(sandbox.TaskFailed):
        sandbox.run(TASKS + "compute", 1.0, limits=short)
