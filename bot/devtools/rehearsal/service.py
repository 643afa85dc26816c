"""The service and its commands as processes, with the settings of a folder only."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import requests

from bot.clock import monotonic, sleep
from bot.config import Config
from bot.texts import say

START_TIMEOUT = timedelta(seconds=60)
_STOP_TIMEOUT_S = 20
_LOG_LINES = 20
_ROOT = str(Path(__file__).resolve().parents[3])


def program() -> str:
    """How a shell starts this program from any folder, quoted."""
    script = Path(sys.executable).with_name("night-patrol")
    return shlex.quote(str(script)) if script.exists() else f"{shlex.quote(sys.executable)} -m bot"


def run_command(folder: Path, *arguments: str) -> str:
    """Run a command in the folder; its output. Raises OSError when it fails."""
    result = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise OSError(result.stderr or result.stdout)
    return result.stdout


class ServiceProcess:
    """`night-patrol serve` in a folder; what it logs is in serve.log there."""

    def __init__(self, folder: Path, url: str) -> None:
        self._log, self._url = folder / "serve.log", url
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"],
                cwd=folder,
                env=_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Raises OSError with the end of the log when the service ends, or is not ready within a minute."""
        deadline = monotonic() + START_TIMEOUT.total_seconds()
        while not self._is_ready():
            if self.has_ended or monotonic() > deadline:
                lines = self._log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
                raise OSError("\n".join([say("rehearsal.service_failed", log=str(self._log)), *lines]))
            sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False  # the service is on this machine, whatever proxy is set
                return session.get(f"{self._url}/health/ready", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        """End in order: what is under way is finished first."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """The caller's environment without settings, so that only the .env of the folder counts."""
    settings = {*Config.model_fields, *(f"{name}_FILE" for name in Config.model_fields)}
    return {**{name: value for name, value in os.environ.items() if name not in settings}, "PYTHONPATH": _ROOT}
