"""Starts the simulator and the service with the commands and settings a user would use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from bot.bootstrap import open_database
from bot.clock import sleep, wall_now
from bot.config import load_config
from bot.devtools.demo.scenario import ENDS_AT, Action, EnterpriseCrew, People, night_instant
from bot.devtools.sample_register import write_sample_register
from bot.devtools.simulator.films import make_film
from storage.db.database import Database
from storage.register_terms import PATROLLER
from storage.store import Store

SPEED = 450
# A reminder and the morning push are earlier than by default, to shorten the demo.
DEMO_RULES = {"催报时间": "03:07、04:37", "推送时间": "07:47"}
_TIMEOUT_S = 30
_PHOTO = b"\xff\xd8\xff\xe0" + b"\0" * 2000 + b"\xff\xd9"


class DemoProcesses:
    """The simulator and the service as processes, in a folder with their settings."""

    def __init__(self, folder: Path, night: date) -> None:
        self.folder, self.night = folder.resolve(), night
        self.simulator_url, self.url = (f"http://127.0.0.1:{port}" for port in _free_ports())
        self._processes: list[subprocess.Popen[bytes]] = []
        self._http = requests.Session()
        self.people = People((), "", "", (), ())
        self.login = {"login": "", "password": ""}

    def __enter__(self) -> DemoProcesses:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    def set_up(self) -> People:
        """Start the simulator, write the settings, import the sample register; returns everybody who has a phone."""
        clock = ["--clock", night_instant("-23:30").isoformat(), "--speed", str(SPEED)]
        self._start("simulator", "--port", self.simulator_url.rpartition(":")[2], *clock)
        self._wait(f"{self.simulator_url}/sim/state")
        callback = {"callback_url": f"{self.url}/callbacks/wecom_app"}
        settings = self.call_simulator("app", callback)
        self._write_env(settings)
        (self.folder / "lesson.mp4").write_bytes(make_film(seconds=30, tag="lesson"))
        links = (f"{self.simulator_url}/sim/state", f"{self.simulator_url}/no-such-lesson")
        workbook = self.folder / "登记册.xlsx"
        write_sample_register(
            workbook, self.night - timedelta(days=3), links=links, film_path="lesson.mp4", rules=DEMO_RULES
        )
        self.run_command("import", "登记册.xlsx")
        self.login = json.loads(self.run_command("user", "add", "demo", "--role", "auditor", "--json"))
        self.people = self._create_accounts()
        return self.people

    def _write_env(self, settings: dict[str, Any]) -> None:
        lines = {
            **settings,
            "SECRET_KEY": os.urandom(24).hex(),
            "DATABASE_URL": "sqlite:///patrol.db",
            "OBJECT_STORE_URL": "file:objects",
            "PORT": self.url.rpartition(":")[2],
            "PUBLIC_URL": self.url,
        }
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()), "utf-8")

    def start_service(self) -> None:
        """Start the service before midnight and wait until it is ready."""
        self._start("serve", "--clock", night_instant("-23:20").isoformat(), "--speed", str(SPEED))
        self._wait(f"{self.url}/health/ready")

    def run_scenario(self, scenario: Sequence[Action], on_progress: Callable[[datetime], None]) -> None:
        """Perform the actions by the service's clock, and wait until the end of the morning."""
        with ThreadPoolExecutor(6) as executor:
            futures = []
            for action in scenario:
                self._until(action.at, on_progress)
                futures.append(executor.submit(self._perform, action))
            self._until(night_instant(ENDS_AT), on_progress)
        for future in futures:
            future.result()

    def _until(self, instant: datetime, on_progress: Callable[[datetime], None]) -> None:
        while (now := self.now()) < instant:
            on_progress(now)
            sleep(min(0.1, max((instant - now).total_seconds() / SPEED, 0.001)))

    def now(self) -> datetime:
        """The service's clock, read once and then extrapolated."""
        if not hasattr(self, "_zero"):
            stated = datetime.fromisoformat(self._http.get(f"{self.url}/health/ready", timeout=5).json()["now"])
            self._zero = stated, wall_now()
        stated, since = self._zero
        return stated + (wall_now() - since) * SPEED

    def _perform(self, action: Action) -> None:
        sent_at = {"at": int(action.at.timestamp())}
        who = {"leader": self.people.leader, "backup": self.people.backup}.get(action.actor, action.actor)
        if action.kind == "say":
            self.call_simulator("say", {"from": who, "text": action.text, **sent_at})
        elif action.kind in ("film", "photo"):
            content = action.film or _PHOTO
            self._upload(action.kind, who, content, sent_at)
        else:
            self._acknowledge(who)

    def _acknowledge(self, who: str) -> None:
        """Press the button of the newest alert, as soon as there is one."""
        for _ in range(_TIMEOUT_S * 10):
            cards = [message["card"] for message in self.phone_messages(who) if message["card"]]
            alerts = [card for card in cards if "ack" in card["buttons"] and not card["replaced"]]
            if alerts:
                self.call_simulator("press", {"from": who, "task_id": alerts[-1]["task_id"], "key": "ack"})
                return
            sleep(0.1)

    def _upload(self, what: str, who: str, content: bytes, fields: dict[str, Any]) -> None:
        name = "film.mp4" if what == "film" else "photo.jpg"
        data = {"from": who, **fields}
        requests.post(
            f"{self.simulator_url}/sim/{what}", data=data, files={what: (name, content)}, timeout=30
        ).raise_for_status()

    def call_simulator(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call the control API of the simulator. Raises requests.HTTPError."""
        answer = requests.post(f"{self.simulator_url}/sim/{path}", json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def phone_messages(self, who: str) -> list[dict[str, Any]]:
        """The messages a phone has received."""
        found: list[dict[str, Any]] = self._http.get(f"{self.simulator_url}/sim/phones/{who}", timeout=10).json()[
            "heard"
        ]
        return found

    def group_messages(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._http.get(f"{self.simulator_url}/sim/groups/{key}", timeout=10).json()[
            "heard"
        ]
        return found

    def run_command(self, *arguments: str) -> str:
        """Run a command in the demo's folder; its output. Raises OSError when it fails."""
        result = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise OSError(result.stderr or result.stdout)
        return result.stdout

    def _start(self, *arguments: str) -> None:
        log = (self.folder / f"{arguments[0]}.log").open("wb")
        command = [sys.executable, "-m", "bot", *arguments]
        self._processes.append(
            subprocess.Popen(command, cwd=self.folder, env=self._environment(), stdout=log, stderr=subprocess.STDOUT)
        )

    def _environment(self) -> dict[str, str]:
        """Without settings of the caller's environment, so that only the .env of the folder counts."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("WECOM_", "S3_", "AWS_"))
        }
        for name in ("DATABASE_URL", "OBJECT_STORE_URL", "SECRET_KEY", "PORT", "HOST", "PUBLIC_URL", "TIMEZONE"):
            environment.pop(name, None)
        root = str(Path(__file__).resolve().parents[3])
        return {**environment, "PYTHONPATH": root}

    def _wait(self, url: str) -> None:
        for _ in range(_TIMEOUT_S * 20):
            if any(process.poll() is not None for process in self._processes):
                raise OSError("\n".join(log.read_text("utf-8", "replace") for log in self.folder.glob("*.log")))
            try:
                if self._http.get(url, timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            sleep(0.05)
        raise OSError(url)

    def _create_accounts(self) -> People:
        """Give everybody in the register a phone and every group a robot in the simulator."""
        database: Database = open_database(
            load_config({}, self.folder / ".env").model_copy(
                update={"DATABASE_URL": f"sqlite:///{self.folder}/patrol.db"}
            ),
            migrate=False,
        )
        with database.read() as session:
            accounts = _SimulatorAccounts(Store(session), self.night)
        database.close()
        self.call_simulator("members", {"members": accounts.members})
        self.call_simulator("robots", {"robots": accounts.robots})
        return accounts.people


class _SimulatorAccounts:
    """The phones, robots and crews for the people of the register."""

    def __init__(self, store: Store, night: date) -> None:
        rows = {row.id: row for row in store.register.expected_parts()}
        employees = store.register.employees(rows)
        people = {person.id: person for of_one in employees.values() for person in of_one}
        shift = store.duty.people_on_shift(night - timedelta(days=1))
        office = [*shift["leader"], *shift["backup"], *shift["staff"], *store.register.office_staff()]
        people |= {person.id: person for person in office}
        accounts = store.register.accounts(people, "wecom")
        self.members = [
            {"userid": accounts[key], "name": person.name, "mobile": person.mobile or ""}
            for key, person in people.items()
            if key in accounts
        ] + [{"userid": "stranger", "name": "陌生人", "mobile": ""}]
        groups = store.register.groups()
        self.robots = [{"key": group.robot_key, "group_name": group.name} for group in groups]
        crews = [
            EnterpriseCrew(
                row.code,
                row.short_name,
                [accounts[person.id] for person in employees[key] if PATROLLER in person.roles],
                [part.number for part in store.register.parts_of(key)],
                row.status == "停产",
            )
            for key, row in rows.items()
        ]
        first = {post: accounts[people[0].id] for post, people in shift.items() if people}
        staff = [accounts[person.id] for person in office if "工作人员" in person.roles]
        self.people = People(
            crews, first["leader"], first["backup"], staff, [group.robot_key or "" for group in groups]
        )


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
