"""The program as processes of their own, on the loopback, with what they say kept in files."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bot.devtools.simulator import Cloud
from tests.bot.parts import until

ROOT = Path(__file__).parent.parent.parent


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Program:
    """`night-patrol COMMAND` against a simulated cloud, in a folder."""

    cloud: Cloud
    folder: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.settings.get("DATABASE_URL", f"sqlite:///{self.folder}/patrol.db")

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of the process, without the coverage and proxy settings of the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        settings = {name: str(value) for name, value in self.cloud.settings.items()}
        own = {
            "DATABASE_URL": self.database_url,
            "OBJECT_STORE_URL": f"file:{self.folder}/objects",
            "SECRET_KEY": "a secret key used by the tests only",
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }
        return {**kept, **settings, **own, **self.settings, **more}

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """A process that serves; its words go to a file."""
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *command],
                env=self.environment(**more),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command that ends."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *command],
            env=self.environment(**more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ready(self) -> dict[str, Any]:
        """Wait until it says that it is ready; what it says."""

        def ask() -> Any:
            with contextlib.suppress(requests.ConnectionError):
                answer = requests.get(f"{self.url}/health/ready", timeout=5)
                return answer.json() if answer.status_code == 200 else None
            return None

        return dict(until(ask, 30))

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8", "replace")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def end(self, process: subprocess.Popen[bytes]) -> float:
        """SIGTERM, and how many seconds it took to end in order."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        return time.monotonic() - began


@contextlib.contextmanager
def program(cloud: Cloud, folder: Path) -> Iterator[Program]:
    """A program whose processes are gone at the end of the block."""
    made = Program(cloud, folder)
    cloud.configure(callback_url=f"{made.url}/callbacks/wecom_app")
    try:
        yield made
    finally:
        for process in made.running:
            made.kill(process)
