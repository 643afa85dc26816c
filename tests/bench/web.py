"""How fast tonight's board comes, with a year of nights behind it, and what many who watch it cost."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, insert, select

from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.db.models import InboxRow, KeyPart, Notice, Person, Submission
from storage.store import Store
from tests.bench.rig import Row, Service, service
from tests.harness import SHANGHAI

_PHONE = "MicroMessenger/8.0.50 wxwork/4.1.30"
_WATCHERS, _FIRST_LOAD_KB = 100, 300


def board(quick: bool) -> Iterator[Row]:
    """The page as a leader's phone asks for it, one after the other; the second county is 27 times as large."""
    for kind in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        for enterprises, nights, bar in ((75, 40 if quick else 365, 150), (2000, 2 if quick else 14, 600)):
            with service(kind, ("web",), enterprises, 4) as found:
                _fill(found, nights)
                browser = _signed_in(found)
                times = sorted(_asked(browser, found, 20 if quick else 60))
                p95 = times[int(len(times) * 0.95)]
                what = f"tonight's board, {enterprises} enterprises, {kind}, {nights} nights of films: p95"
                yield Row(what, f"**{p95:.0f} ms** (median {times[len(times) // 2]:.0f})", f"≤ {bar} ms")
                if enterprises == 75 and kind == "SQLite":
                    yield Row(
                        "… first load over the wire", f"**{_first_load_kb(found):.0f} kB**", f"≤ {_FIRST_LOAD_KB}"
                    )


def watching(quick: bool) -> Iterator[Row]:
    """One process, and a hundred browsers that keep their connections open."""
    with service("SQLite", ("web",), 75, 4) as found, ExitStack() as stack:
        _fill(found, 10)
        browser = _signed_in(found)
        alone, idle = sorted(_asked(browser, found, 30)), found.rss_mb()
        connections = [stack.enter_context(_watching(found, browser)) for _ in range(_WATCHERS)]
        began, busy = time.perf_counter(), _cpu_s(found)
        watched = sorted(_asked(browser, found, 30))
        time.sleep(2 if quick else 20)
        share = (_cpu_s(found) - busy - sum(watched) / 1000) / (time.perf_counter() - began)
        heard = _time_to_hear(found, connections)
        yield Row("the board with 100 who watch, to without: median", f"**{watched[15] / alone[15]:.2f}**", "")
        yield Row("… of a core for watching when nothing happens", f"{max(share, 0):.1%}", "")
        yield Row("… memory for them", f"{found.rss_mb() - idle:.0f} MB (idle {idle:.0f} MB)", "")
        yield Row("… until all 100 have heard of a film", f"{heard:.1f} s", "")


def _fill(found: Service, nights: int) -> None:
    """So many nights in which nearly everybody filmed, and half of tonight; somebody who leads."""
    with found.database.transaction() as session:
        parts: Sequence[Any] = session.execute(select(KeyPart.enterprise_id, KeyPart.id)).all()
        store = Store(session)
        tonight = night_of(_now(), RuleBook(SHANGHAI))
        session.execute(insert(InboxRow).values(id=1, channel="x", message_key="x", raw="", received_at=_now()))
        for back in range(nights):
            night = tonight - timedelta(days=back)
            rows = [
                _film(night, number, *part)
                for number, part in enumerate(parts)
                if (number + back) % (17 - 15 * (not back))
            ]
            session.execute(insert(Submission), rows)
            session.execute(insert(Notice), [_notice(night, number) for number in range(30)])
        leader = Person(name="局长", roles=["值班领导"])
        session.add(leader)
        session.flush()
        store.register.bind(leader.id, "wecom", "boss", None)
    found.cloud.add_member("boss")


def _now() -> datetime:
    return datetime.now(SHANGHAI)


def _film(night: Any, number: int, enterprise_id: int, part_id: int) -> dict[str, Any]:
    sent = datetime(night.year, night.month, night.day, 0, number % 60, tzinfo=SHANGHAI)
    return {
        "night": night,
        "number": number + 1,
        "channel": "wecom_app",
        "message_key": f"{night}/{number}",
        "inbox_id": 1,
        "realm": "wecom",
        "sender": "p",
        "canonical_sender": "p",
        "enterprise_id": enterprise_id,
        "part_id": part_id,
        "kind": "film",
        "sent_at": sent,
        "received_at": sent,
        "state": "filed",
        "attribution": "attributed",
        "marks": [],
        "sha256": f"{night}/{number}",
        "bytes": 1_000_000,
        "duration_s": 12.0,
        "object_key": f"{night}/{number}",
    }


def _notice(night: Any, number: int) -> dict[str, Any]:
    return {
        "once_key": f"{night}/{number}",
        "kind": "reminder",
        "night": night,
        "recipient_name": "群",
        "channel": "wecom_robot",
        "address": "KEY",
        "route": "wecom_robot/1",
        "form": "text",
        "text_key": "wave.missing",
        "params": {},
        "due_at": _now(),
        "state": "sent",
        "attempts": 1,
    }


def _signed_in(found: Service) -> requests.Session:
    browser = requests.Session()
    browser.headers.update({"User-Agent": _PHONE, "Accept-Encoding": "gzip"})
    asked = browser.get(f"http://127.0.0.1:{found.port}/login/wecom/start", allow_redirects=False).headers["Location"]
    browser.get(f"{asked.split('#')[0]}&as=boss").raise_for_status()
    return browser


def _asked(browser: requests.Session, found: Service, times: int) -> list[float]:
    """Milliseconds from the question to the last byte."""
    taken = []
    for _ in range(times + 3):
        began = time.perf_counter()
        answer = browser.get(f"http://127.0.0.1:{found.port}/")
        taken.append((time.perf_counter() - began) * 1000)
        assert 'id="board"' in answer.text
    return taken[3:]  # the first ones also warm up


def _first_load_kb(found: Service) -> float:
    """The page and everything it asks for, packed, with heads."""
    browser, total = _signed_in(found), 0
    pages = [
        "/",
        *re.findall(r'(?:src|href)="(/login/static/[^"]+)"', browser.get(f"http://127.0.0.1:{found.port}/").text),
    ]
    for path in pages:
        answer = browser.get(f"http://127.0.0.1:{found.port}{path}", stream=True)
        total += len(answer.raw.read(decode_content=False)) + len(str(answer.headers))
    return total / 1000


def _watching(found: Service, browser: requests.Session) -> socket.socket:
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
    connection = socket.create_connection(("127.0.0.1", found.port), timeout=30)
    connection.sendall(f"GET /tonight/live HTTP/1.1\r\nHost: bench\r\nCookie: {cookie}\r\n\r\n".encode())
    while b"data: " not in connection.recv(65536):
        pass
    return connection


def _time_to_hear(found: Service, connections: Sequence[socket.socket]) -> float:
    for each in connections:
        each.settimeout(0.01)
        _drained(each)
        each.settimeout(30)
    with found.database.transaction() as session:
        tonight = session.scalar(select(func.max(Submission.night)))
        session.execute(insert(Submission), [_film(tonight, 100_000, 1, 1)])
    began = time.perf_counter()
    for each in connections:
        while b"event: tonight" not in each.recv(65536):
            pass
    return time.perf_counter() - began


def _drained(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        pass


def _cpu_s(found: Service) -> float:
    fields = Path(f"/proc/{found.processes[0].pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
