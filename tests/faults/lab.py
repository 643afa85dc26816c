"""The service as processes of their own on either pair of backends, in a night that can be made to run fast."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from bot.bootstrap import serving_clock
from bot.clock import load_clock, wall_now
from bot.devtools.simulator import Cloud, serve
from bot.devtools.simulator.core.callback import direct_session
from bot.monitoring.liveness import WORKER_HEARTBEAT_PREFIX
from storage.db.database import Database
from storage.db.models import InboxRow, Notice, Submission
from storage.store import Store
from tests.bot.parts import until
from tests.bot.processes import Program, free_port, program
from tests.faults.audit import Evidence, Findings, Said, as_night, audit
from tests.harness import NIGHT, County, at
from tests.places import current_place

CALLBACK_S = 5.0
# Looking costs a query of every row, and the service needs the processor too.
_LOOK_S = 0.3
# What a person's message leads to is said within so long of the service's clock.
_SOON = timedelta(minutes=1)


@dataclass
class Machine:
    """One process of the service, which may be killed and started again under its own name."""

    lab: Lab
    command: str
    name: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def answers(self) -> bool:
        """Whether it is one that callbacks may go to."""
        return self.command in ("serve", "web")

    def start(self) -> Machine:
        """Begin, or begin again."""
        names = {"PORT": str(self.port), "EXECUTOR_ID": self.name}
        self.process = self.lab.program.start(self.command, **names, **self.more)
        return self

    def kill(self) -> None:
        """kill -9, of the children that look at films too: their parent is gone before they know."""
        if self.process is not None:
            self.lab.program.kill(self.process)
            self.lab.kills += 1

    def end(self) -> float:
        """SIGTERM; how long it took."""
        assert self.process is not None
        return self.lab.program.end(self.process)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_up(self) -> bool:
        """Whether it runs, and answers if that is its part."""
        return self.runs() and (not self.answers or self.is_ready())

    def is_ready(self) -> bool:
        """Whether it says so."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        return False


@dataclass
class Lab:
    """A county, its simulated cloud, and the machines that serve it."""

    cloud: Cloud
    program: Program
    database: Database
    random: random.Random
    machines: list[Machine] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    kills: int = 0
    _clock: Any = None
    _looked: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, command: str, name: str, **more: str) -> Machine:
        """One more process, started."""
        machine = Machine(self, command, name, more=more)
        self.machines.append(machine.start())
        return machine

    def ready(self) -> None:
        """Wait until all that answer say that they can, and all that work have begun: they give signs of life again
        and again, the first of them before they do."""
        for machine in self.machines:
            if machine.answers and machine.runs():
                self.until(machine.is_ready)
        self.until(lambda: None not in self._signs().values())
        first = self._signs()
        self.until(lambda: all(sign != first[name] for name, sign in self._signs().items()))

    def revive(self) -> int:
        """Like a supervisor, restart each process that ended because it could not start; how many were restarted."""
        ended = [each for each in self.machines if not each.runs()]
        for machine in ended:
            machine.start()
        return len(ended)

    def _signs(self) -> dict[str, Any]:
        workers = [each.name for each in self.machines if each.command != "web" and each.runs()]
        with self.reading() as store:
            return {name: store.facts.read_fact(WORKER_HEARTBEAT_PREFIX + name) for name in workers}

    def deliver(self, query: str, body: bytes) -> int:
        """Like a load balancer, send a callback to any machine that is not known to be down."""
        candidates = [each for each in self.machines if each.answers and each.runs()]
        if not candidates:
            return 0
        url = f"{self.random.choice(candidates).url}/callbacks/wecom_app?{query}"
        try:
            with direct_session() as session:
                answer = session.post(url, data=body, headers={"Content-Type": "text/xml"}, timeout=CALLBACK_S)
                return answer.status_code
        except requests.RequestException:
            return 0

    def until(self, true: Callable[[], Any], patience_s: float = 60.0) -> Any:
        """Wait for a condition with the patience of a busy machine."""
        return until(true, patience_s, _LOOK_S)

    def now(self) -> datetime:
        """The service's instant, as it stands in the database; the last one known while that is away."""
        with self._lock:
            if time.monotonic() - self._looked > 0.5:
                with contextlib.suppress(Exception), self.database.read() as session:
                    self._clock = load_clock(Store(session))
                self._looked = time.monotonic()
            return self._clock.now() if self._clock is not None else wall_now()

    @contextmanager
    def reading(self) -> Iterator[Store]:
        with self.database.read() as session:
            yield Store(session)

    def rows(self, model: Any) -> list[Any]:
        with self.reading() as store:
            return list(store.session.query(model).order_by(model.id))

    def unsettled(self) -> list[str]:
        """The work that still waits, except work that is due much later."""
        soon = self.now() + _SOON
        return [f"message {each.id} {each.state}" for each in self.rows(InboxRow) if each.state != "done"] + [
            f"notice {each.id} {each.kind} by {each.route} {each.state} until {each.due_at}: {each.detail}"
            for each in self.rows(Notice)
            if each.state == "sending" or (each.state == "due" and each.due_at <= soon)
        ]

    def left_after(self, patience_s: float = 120.0) -> list[str]:
        """Give the service time to be done with everything; what it was not done with."""
        try:
            self.until(lambda: not self.unsettled(), patience_s)
        except TimeoutError:
            return self.unsettled()
        return []

    def audit(self) -> Findings:
        """Stop the workers, and compare what was sent and delivered with what the service reports."""
        for machine in self.machines:
            if machine.command == "worker" and machine.runs():
                machine.end()
        told = self._evidence()
        return audit(self.said, self.cloud, told)

    def _evidence(self) -> Evidence:
        """The rows, the nights, the objects and the metrics; taken again where something moved meanwhile."""
        for _ in range(5):
            before = self._rows()
            days = {each.night for each in before[1]} | {NIGHT}
            with ThreadPoolExecutor() as pool:  # a command costs its start, whatever it asks
                nights, verified = {day: pool.submit(self._night, day) for day in days}, pool.submit(self._verified)
            metrics, after = self._metrics(), self._rows()
            if _states(before) == _states(after):
                break
        told = {day: printed.result() for day, printed in nights.items()}
        return Evidence(*after, told, verified.result(), metrics, self.now())

    def _rows(self) -> tuple[list[InboxRow], list[Submission], list[Notice]]:
        return self.rows(InboxRow), self.rows(Submission), self.rows(Notice)

    def _night(self, night: date) -> dict[str, Any]:
        printed = self.program.run("night", night.isoformat(), "--json")
        assert printed.returncode == 0, printed.stderr
        return as_night(printed.stdout)

    def _verified(self) -> dict[str, Any]:
        return as_night(self.program.run("verify", "--json").stdout)

    def _metrics(self) -> str:
        machine = next(each for each in self.machines if each.answers and each.runs())
        return requests.get(f"{machine.url}/metrics", timeout=20).text


def _states(rows: tuple[list[InboxRow], list[Submission], list[Notice]]) -> list[list[tuple[int, str]]]:
    return [[(each.id, each.state) for each in table] for table in rows]


@contextmanager
def lab(
    folder: Path, start: str = "01:30", speed: float = 1.0, enterprises: int = 8, seed: int = 1, **more: str
) -> Iterator[Lab]:
    """An empty county on the backends of the present place, its night beginning at `start`."""
    place = current_place()
    database_url = place.migrated(folder)
    settings = {**place.settings(folder), **more}
    if "AWS_CA_BUNDLE" in os.environ:
        settings["AWS_CA_BUNDLE"] = os.environ["AWS_CA_BUNDLE"]
    with Cloud() as cloud:
        serve(cloud)
        cloud.callback_sender.retries = 0
        database = Database(database_url)
        with program(cloud, folder) as made:
            made.settings = settings
            with database.transaction() as session:
                County(Store(session), cloud).settle(enterprises=enterprises, parts=2)
            serving_clock(database, at(start), speed)
            opened = Lab(cloud, made, database, random.Random(seed))
            cloud.callback_sender.transport = opened.deliver
            try:
                yield opened
            finally:
                database.close()
