"""Callbacks while everything else of the web service is used as hard as possible."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests
from sqlalchemy import insert

from bot.devtools.simulator.films import make_film
from bot.signed_links import SignedLinks
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import ContentItem, InboxRow, Person, Submission
from storage.objects import open_object_store
from storage.store import Store
from tests.bench.doors import send_pieces
from tests.bench.load import Seen, load
from tests.bench.rig import Row, Service, service
from tests.bench.web import film_row, sign_in
from tests.harness import SHANGHAI

_FILM_BYTES, _SLOW_BYTES_PER_S, _BODY_BYTES = 64 << 20, 20_000, 20 << 20


@dataclass(frozen=True)
class Crowd:
    """How many clients do what at once."""

    slow_readers: int = 50
    drawings: int = 16
    uploads: int = 8
    large_bodies: int = 8
    fast_readers: int = 0


def receiving(quick: bool) -> Iterator[Row]:
    """The crowd of the bar, then further clients that read films as fast as they are written."""
    for kind in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        for crowd, more in ((Crowd(), ""), (Crowd(fast_readers=2), ", and 2 fast readers")):
            with service(kind) as found:
                seen = measure(found, crowd, 500 if quick else 2000, 100)
            yield Row(
                f"callbacks at 100/s, `serve`, {kind}, beside 50 slow readers, 16 drawings, 8 uploads, 8 large bodies"
                f"{more}",
                f"p50 {seen.p50:.1f}, **p99 {seen.p99:.1f} ms**, {seen.refused} refused",
                "" if more else "p99 ≤ 100 ms, 0",
            )


def measure(found: Service, crowd: Crowd, callbacks: int, rate: float) -> Seen:
    """Callbacks at a rate per second, while the crowd is there."""
    content, sheets = _store_films(found, max(crowd.drawings, 1))
    cookies = sign_in(found).cookies
    load(found.port, found.events(100), rate=100)
    with ExitStack() as stack:
        stack.enter_context(_slow_readers(found, content, crowd.slow_readers))
        stack.enter_context(_threads([lambda over, path=path: _ask(found, path, cookies, over) for path in sheets]))
        stack.enter_context(
            _threads(
                [
                    lambda over, number=number: send_pieces(found, number, over, Counter())
                    for number in range(crowd.uploads)
                ]
            )
        )
        stack.enter_context(_threads([lambda over: _send_bodies(found, over)] * crowd.large_bodies))
        stack.enter_context(_threads([lambda over: _read_fast(found, content, over)] * crowd.fast_readers))
        return load(found.port, found.events(callbacks), rate=rate)


def _store_films(found: Service, count: int) -> tuple[str, list[str]]:
    """The path of a large film with a public link, and of the contact sheets of films that take long to draw."""
    objects = open_object_store(found.environment["OBJECT_STORE_URL"])
    night = night_of(datetime.now(UTC), RuleBook(SHANGHAI))
    slow = make_film(seconds=60, size=(1280, 720))
    for key, body in [("content/film.mp4", bytes(_FILM_BYTES)), *((f"films/{n}.mp4", slow) for n in range(count))]:
        with objects.spool() as spool:
            spool.write(body)
            objects.save(spool, key)
    with found.database.transaction() as session:
        item = ContentItem(title="防火", kind="视频", object_key="content/film.mp4", added_at=datetime.now(UTC))
        done = {"raw": "", "state": "done", "dispatched": True, "received_at": datetime.now(UTC)}
        session.add_all([item, InboxRow(id=1, channel="x", message_key="x", **done)])
        leader = Person(name="局长", roles=["值班领导"])
        session.add(leader)
        session.flush()
        Store(session).register.bind(leader.id, "wecom", "boss", None)
        rows = [{**film_row(night, number, 1, 1), "object_key": f"films/{number}.mp4"} for number in range(count)]
        session.execute(insert(Submission), rows)
        links = SignedLinks("http://bench", found.environment["SECRET_KEY"])
        content = urlsplit(links.content_url(item.link_id)).path
    found.cloud.add_member("boss")
    return content, [f"/films/{night}/{night:%m%d}-{number + 1:04d}/sheet.jpg" for number in range(count)]


@contextmanager
def _threads(work: list[Callable[[threading.Event], object]]) -> Iterator[None]:
    """Run functions until the end of the block; each gets an event that is set then."""
    over = threading.Event()
    threads = [threading.Thread(target=each, args=(over,)) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def _slow_readers(found: Service, path: str, count: int) -> Iterator[None]:
    """Phones on a bad network: every other one asks for a range."""
    with ExitStack() as stack:
        phones = []
        for number in range(count):
            phone = stack.enter_context(socket.create_connection(("127.0.0.1", found.port), timeout=30))
            phone.sendall(_get(path, "Range: bytes=1-" if number % 2 else "Accept: */*"))
            phones.append(phone)
        assert all(phone.recv(12).startswith(b"HTTP/1.1 20") for phone in phones)
        with _threads([lambda over: _read_slowly(phones, over)] if phones else []):
            yield


def _read_slowly(phones: list[socket.socket], over: threading.Event) -> None:
    while not over.wait(1):
        for phone in phones:
            assert phone.recv(_SLOW_BYTES_PER_S)


def _read_fast(found: Service, path: str, over: threading.Event) -> None:
    while not over.is_set():
        with socket.create_connection(("127.0.0.1", found.port), timeout=30) as connection:
            connection.sendall(_get(path, "Range: bytes=1-", "Connection: close"))
            while not over.is_set() and connection.recv(1 << 20):
                pass


def _ask(found: Service, path: str, cookies: requests.cookies.RequestsCookieJar, over: threading.Event) -> None:
    """A page that asks for an image again and again."""
    while not over.wait(1):
        answer = requests.get(f"http://127.0.0.1:{found.port}{path}", cookies=cookies, timeout=60)
        assert answer.status_code in (200, 202), answer.status_code


def _send_bodies(found: Service, over: threading.Event) -> None:
    """Send large bodies without a session, as much of each as the service takes."""
    piece = bytes(256 * 1024)
    while not over.wait(0.05):
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", found.port), timeout=30) as connection,
        ):
            head = f"POST /import HTTP/1.1\r\nHost: bench\r\nContent-Length: {_BODY_BYTES}\r\n\r\n"
            connection.sendall(head.encode())
            for _ in range(_BODY_BYTES // len(piece)):
                connection.sendall(piece)
            connection.recv(65536)


def _get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: bench", *headers, "", ""]).encode()
