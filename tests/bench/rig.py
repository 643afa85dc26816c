"""What every measurement needs: the service as its own process, the pretend cloud, a county, a load."""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bot.app import migrate_all
from bot.simulator import Cloud
from storage.database import Database
from storage.models import Employment, Enterprise, GroupChat, KeyPart, Person
from storage.store import Store

ROOT = Path(__file__).parents[2]


def county(store: Store, enterprises: int, parts: int) -> list[str]:
    """So many enterprises with a patroller each; the patrollers' accounts."""
    group = GroupChat(name="群", robot_key="KEY")
    store.session.add(group)
    store.session.flush()
    accounts = []
    for number in range(enterprises):
        plant = Enterprise(
            code=f"E{number:06d}", name=f"企业{number}", short_name=f"企业{number}", group_id=group.id, status="生产"
        )
        person = Person(name=f"巡检员{number}", roles=["巡检员"])
        store.session.add_all([plant, person])
        store.session.flush()
        store.session.add(Employment(person_id=person.id, enterprise_id=plant.id))
        for part in range(1, parts + 1):
            store.session.add(KeyPart(enterprise_id=plant.id, number=str(part), name=f"部位{part}"))
        accounts.append(f"p{number}")
        store.register.bind(person.id, "wecom", accounts[-1], None)
    return accounts


@dataclass
class Service:
    """A running `serve`: its address, its process, and the pretend cloud it talks to."""

    url: str
    process: subprocess.Popen[bytes]
    cloud: Cloud
    database: Database
    accounts: Sequence[str]

    def rss_mb(self) -> float:
        """Resident memory of the service and its children, in MB."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_rss_kb(pid) for pid in pids) / 1024

    def count(self, table: str, where: str) -> int:
        """How many rows of a table fulfil a condition."""
        with self.database.engine.connect() as connection:
            return int(connection.exec_driver_sql(f"select count(*) from {table} where {where}").scalar() or 0)

    def until(self, done: Callable[[], bool], patience_s: float = 300) -> float:
        """Seconds until a condition holds."""
        began = time.perf_counter()
        while not done():
            if time.perf_counter() - began > patience_s:
                raise TimeoutError
            time.sleep(0.02)
        return time.perf_counter() - began


@contextmanager
def service(folder: Path, enterprises: int = 75, parts: int = 1) -> Iterator[Service]:
    """`python -m bot serve` on an empty folder, with a county in it."""
    with Cloud() as cloud:
        cloud.serve()
        database = Database(f"sqlite:///{folder}/patrol.db")
        migrate_all(database)
        with database.transaction() as session:
            accounts = county(Store(session), enterprises, parts)
        for account in accounts:
            cloud.add_member(account)
        cloud.add_robot("KEY", "群")
        port = _free_port()
        settings = {name: str(value) for name, value in cloud.settings.items()} | {
            "DATABASE_URL": f"sqlite:///{folder}/patrol.db", "OBJECT_STORE_URL": f"file:{folder}/objects",
            "SECRET_KEY": "bench", "PORT": str(port), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        cloud.configure(callback_url=f"{url}/callbacks/wecom_app")
        with (folder / "serve.log").open("wb") as log:
            command = [sys.executable, "-m", "bot", "serve"]
            process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings}, stdout=log, stderr=log)
        made = Service(url, process, cloud, database, accounts)
        try:
            made.until(lambda: _ready(url), 30)
            yield made
        finally:
            process.terminate()
            process.wait(timeout=20)
            database.close()


def load(
    url: str, requests_: Sequence[tuple[str, bytes]], clients: int, rate: float | None = None
) -> tuple[list[float], int]:
    """POST all requests over so many connections, at so many a second; their times in ms, and how many were refused."""
    times: list[float] = []
    refused: list[int] = []
    began = time.perf_counter()

    def client(mine: Sequence[tuple[int, tuple[str, bytes]]]) -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        for number, (query, body) in mine:
            if rate:
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            start = time.perf_counter()
            connection.request("POST", f"/callbacks/wecom_app?{query}", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - start) * 1000)
            if answer.status != 200:
                refused.append(answer.status)

    numbered = list(enumerate(requests_))
    threads = [threading.Thread(target=client, args=(numbered[index::clients],)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(refused)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share stays under."""
    return statistics.quantiles(values, n=1000)[int(share * 1000) - 1]


def texts(cloud: Cloud, accounts: Sequence[str], number: int, start: int = 0) -> list[tuple[str, bytes]]:
    """Ready-made encrypted callbacks of events that ask for no answer."""
    corp, now = cloud.app.corp_id, int(time.time())
    return [
        cloud.courier.envelope(
            f"<xml><ToUserName>{corp}</ToUserName><FromUserName>{accounts[index % len(accounts)]}</FromUserName>"
            f"<CreateTime>{now}</CreateTime><MsgType>event</MsgType><Event>enter_agent</Event>"
            f"<EventKey>{start + index}</EventKey><AgentID>1</AgentID></xml>"
        )
        for index in range(number)
    ]


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _rss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            for child in (task / "children").read_text().split():
                found += [int(child), *_children(int(child))]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
