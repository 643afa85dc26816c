"""Shared by all measurements: the program in separate processes, the simulated cloud, a county."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import requests
from sqlalchemy import create_engine, text

from bot.bootstrap import migrate_all
from bot.devtools.simulator import Cloud, serve, serve_aibot
from storage.db.database import Database
from storage.db.models import Employment, Enterprise, GroupChat, KeyPart, Person
from storage.store import Store
from tests.bench.load import ROOT, post
from tests.faults.relay import Relay, relay
from tests.servers import S3Place, postgresql, swift

BUCKET = "films"
_SERVERS = ExitStack()


@dataclass(frozen=True)
class Row:
    """One line of the table; `wanted` is the bar, empty where a figure is only stated."""

    what: str
    measured: str
    wanted: str = ""


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that goes away again."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@cache
def _server() -> Callable[[str], str]:
    """A PostgreSQL that waits for its disk, for all measurements of this run."""
    place = _SERVERS.enter_context(folder())
    place.chmod(0o755)  # it runs as a user of its own
    return _SERVERS.enter_context(postgresql(place / "postgresql", durable=True))


@cache
def s3() -> S3Place:
    """A Swift with its S3 door over TLS, for all measurements of this run."""
    import boto3

    place = _SERVERS.enter_context(swift(_SERVERS.enter_context(folder()), most_parts=1000))
    os.environ["AWS_CA_BUNDLE"] = place.ca_bundle
    session = boto3.Session(place.access_key_id, place.secret_access_key, region_name=place.region)
    session.client("s3", endpoint_url=place.endpoint_url, verify=place.ca_bundle).create_bucket(Bucket=BUCKET)
    return place


def close_servers() -> None:
    """Let the servers go that were started meanwhile."""
    _SERVERS.close()


@contextmanager
def empty_database(kind: str) -> Iterator[str]:
    """The address of a database without a table, gone at the end of the block."""
    if kind == "SQLite":
        with folder() as place:
            yield f"sqlite:///{place}/patrol.db"
        return
    url, name = _server(), f"bench_{uuid.uuid4().hex}"
    engine = create_engine(url("postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"create database {name}"))
        yield url(name)
        with engine.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    finally:
        engine.dispose()


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """An empty database of the newest schema."""
    with empty_database(kind) as url:
        made = Database(url)
        try:
            migrate_all(made)
            yield made
        finally:
            made.close()


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


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Service:
    """The running program: its port, its processes, and the simulated cloud it talks to."""

    port: int
    cloud: Cloud
    wire: Relay | None
    database: Database
    accounts: Sequence[str]
    environment: Mapping[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: str, **more: str) -> None:
        """One more process of the program."""
        with Path(self.environment["BENCH_LOG"]).open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bot", command],
                    env={**self.environment, **more},
                    cwd=ROOT,
                    stdout=log,
                    stderr=log,
                )
            )

    def rss_mb(self) -> float:
        """Resident memory of the program and its children, in MB."""
        own = [process.pid for process in self.processes]
        return sum(_rss_kb(pid) for mine in own for pid in [mine, *_children(mine)]) / 1024

    def count(self, table: str, where: str) -> int:
        """How many rows of a table fulfil a condition."""
        with self.database.engine.connect() as connection:
            return int(connection.exec_driver_sql(f"select count(*) from {table} where {where}").scalar() or 0)

    def events(self, number: int) -> list[bytes]:
        """Ready-made encrypted callbacks that ask for no answer, each a new one."""
        corp, now = self.cloud.app.corp_id, int(time.time())
        made = []
        for index in range(number):
            query, body = self.cloud.callback_sender.envelope(
                f"<xml><ToUserName>{corp}</ToUserName><FromUserName>{self.accounts[index % len(self.accounts)]}"
                f"</FromUserName><CreateTime>{now}</CreateTime><MsgType>event</MsgType><Event>enter_agent</Event>"
                f"<EventKey>{uuid.uuid4().hex}</EventKey><AgentID>1</AgentID></xml>"
            )
            made.append(post(f"/callbacks/wecom_app?{query}", body))
        return made


@contextmanager
def service(
    kind: str = "SQLite",
    commands: Sequence[str] = ("serve",),
    enterprises: int = 75,
    parts: int = 1,
    objects: str = "directory",
    smart_bot: bool = False,
    relayed: bool = False,
) -> Iterator[Service]:
    """The program over an empty database with a county in it, ready to be asked; `relayed`: by way of `wire`."""
    with Cloud() as cloud, database(kind) as kept, folder() as place, ExitStack() as wires:
        serve(cloud)
        wire = wires.enter_context(relay(cloud.url)) if relayed else None
        if smart_bot:
            serve_aibot(cloud)
        bot = cloud.aibot.settings if smart_bot else {}
        with kept.transaction() as session:
            accounts = county(Store(session), enterprises, parts)
        for account in accounts:
            cloud.add_member(account)
        cloud.add_robot("KEY", "群")
        made, kept_in = Service(free_port(), cloud, wire, kept, accounts, {}), _objects(objects, place)
        made.environment = {
            **os.environ,
            **{name: str(value) for name, value in {**cloud.settings, **bot}.items()},
            **kept_in,
            "DATABASE_URL": kept.url.render_as_string(hide_password=False),
            "SECRET_KEY": "a secret key used by the tests only",
            "PORT": str(made.port),
            "PYTHONPATH": str(ROOT),
            "BENCH_LOG": f"{place}/log.txt",
            **({"WECOM_API_URL": wire.url} if wire else {}),
        }
        cloud.configure(callback_url=f"http://127.0.0.1:{made.port}/callbacks/wecom_app")
        try:
            for number, command in enumerate(commands):
                made.start(command, EXECUTOR_ID=f"bench-{number}")
            wait_until(lambda: is_ready(made.port), 90)
            yield made
        finally:
            end(made.processes)


def _objects(kind: str, place: Path) -> dict[str, str]:
    if kind == "directory":
        return {"OBJECT_STORE_URL": f"file:{place}/objects"}
    return {
        "OBJECT_STORE_URL": f"s3://{BUCKET}/{uuid.uuid4().hex}",
        "S3_ENDPOINT_URL": s3().endpoint_url,
        "S3_REGION": s3().region,
        "AWS_ACCESS_KEY_ID": s3().access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3().secret_access_key,
    }


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, and see them gone."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(done: Callable[[], bool], patience_s: float = 300) -> float:
    """Seconds until a condition holds. Raises TimeoutError."""
    began = time.perf_counter()
    while not done():
        if time.perf_counter() - began > patience_s:
            raise TimeoutError
        time.sleep(0.02)
    return time.perf_counter() - began


def is_ready(port: int) -> bool:
    """Whether what listens there says that it is ready."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def middle(values: Sequence[float]) -> float:
    """The median, which one disturbed run does not move."""
    return statistics.median(values)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and between what the runs lay."""
    return f"{middle(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def _rss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_children(int(child))]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found
