"""`rehearse`: phones and the service on one clock, until Ctrl-C, and again from where it ended."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from bot.devtools.demo.output import DemoOutput
from bot.devtools.demo.scenario import STARTS_AT, night_instant
from bot.devtools.rehearsal.stage import open_stage
from storage.register_terms import AUDITOR
from tests.bot.parts import until
from tests.bot.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_START_TIMEOUT_S = 120
# What is not wanted here must not hinder: settings of another installation in the environment.
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql+psycopg://elsewhere/x", "PORT": "1"}


class Rehearsal:
    """A running `rehearse`, and what it printed."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-u", "-m", "bot", "rehearse", "--no-open", "--folder", str(folder), *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_ENVIRONMENT
        )
        self.printed = ""
        assert self.process.stdout is not None
        while "Ctrl-C 结束演练" not in self.printed:
            line = self.process.stdout.readline()
            assert line, self.printed
            self.printed += line
        self.phones, self.dashboard = re.findall(r"http://127\.0\.0\.1:\d+", self.printed)[:2]

    def post(self, path: str, **fields: str) -> Any:
        return requests.post(f"{self.phones}/sim/{path}", json=fields, timeout=30).json()

    def heard(self, who: str) -> list[str]:
        messages = requests.get(f"{self.phones}/sim/phones/{who}", timeout=30).json()["heard"]
        return [message["text"] for message in messages]

    def health(self) -> Any:
        return requests.get(f"{self.dashboard}/health/ready", timeout=30).json()

    def now(self) -> datetime:
        return datetime.fromisoformat(self.health()["now"])

    def interrupt(self) -> str:
        """Ctrl-C; what is printed after it."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        return rest


@contextmanager
def rehearsing(folder: Path, *options: str) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(folder, *options)
    try:
        yield rehearsal
    finally:
        if rehearsal.process.poll() is None:
            rehearsal.interrupt()


def test_a_night_is_begun_taken_part_in_ended_and_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    with rehearsing(folder, "--night", "2027-03-02", "--speed", "20") as first:
        begun = first.now()
        assert timedelta(0) < begun - datetime.fromisoformat("2027-03-01T23:45+08:00") < timedelta(hours=1)
        cloud_now = requests.get(f"{first.phones}/sim/state", timeout=30).json()["now"]
        assert abs(cloud_now - first.now().timestamp()) < 20 * 3
        assert "clock" not in first.health()["warnings"]
        assert first.post("film", **{"from": "patrol001", "sample": "15"})["status"] == 200
        assert "拍的是哪个部位" in until(lambda: first.heard("patrol001"), 60)[0]
        first.post("say", **{"from": "patrol001", "text": "1"})
        until(lambda: any("收到 0302-0001" in text for text in first.heard("patrol001")), 60)
        login = json.loads((folder / "login.json").read_text("utf-8"))
        assert login["password"] in first.printed
        assert stat.S_IMODE((folder / "login.json").stat().st_mode) == 0o600
        reached = first.now()
        assert f"rehearse --folder {shlex.quote(str(folder))}" in first.interrupt()
        assert first.process.returncode == 0
        with pytest.raises(requests.ConnectionError):
            first.health()
    with rehearsing(folder) as again:
        assert reached <= again.now() < reached + timedelta(hours=1)
        assert (again.phones, again.dashboard) == (first.phones, first.dashboard)
        assert login["password"] in again.printed
        again.post("say", **{"from": "patrol001", "text": "查询"})
        assert until(lambda: again.heard("patrol001"), 60)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", "utf-8")
    command = [sys.executable, "-m", "bot", "rehearse", "--no-open", "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=_ENVIRONMENT, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert "不能用于演练" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_lines_at_the_end_of_the_demo_work_when_pasted(tmp_path: Path) -> None:
    """Printed in a narrow terminal, after a night that was ended in a hurry, from a folder with a blank in its name."""
    out = StringIO()
    with open_stage(tmp_path / "demo folder") as stage:
        stage.set_up(night_instant(STARTS_AT), AUDITOR)
        stage.start(night_instant(STARTS_AT), 450)
    DemoOutput(Console(file=out, width=40)).print_next_steps(stage)
    lines = [line.strip() for line in out.getvalue().splitlines() if line.startswith("  ")]
    assert len(lines) == 4
    resume, serve, night, report = lines
    assert re.search(r"--clock 2026-11-2\dT\d\d:\d\d\+08:00 ", serve)
    for line in (night, report):
        _shell(line)
    assert (tmp_path / "demo folder" / "日报.xlsx").stat().st_size > 5000
    for line in (serve, f"{resume} --no-open"):
        _serves(line, f"{stage.url}/health/ready")


def _shell(line: str) -> None:
    subprocess.run(["sh", "-c", line], env=_ENVIRONMENT_OF_A_SHELL, check=True, timeout=60, capture_output=True)


def _serves(line: str, url: str) -> None:
    """The line starts something that answers at the URL; it is ended as by Ctrl-C."""
    process = subprocess.Popen(
        ["sh", "-c", line],
        env=_ENVIRONMENT_OF_A_SHELL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def is_up() -> bool:
        assert process.poll() is None, process.communicate()[0].decode()
        try:
            return requests.get(url, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    try:
        until(is_up, _START_TIMEOUT_S)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


_ENVIRONMENT_OF_A_SHELL = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
    "PYTHONPATH": str(ROOT)
}
