"""How fast tonight's board comes, with a year of nights behind it, and what many who watch it cost."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
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
_WATCHERS, _POLL_EVERY_S, _FIRST_LOAD_KB = 100, 4.0, 300


def board(quick: bool) -> Iterator[Row]:
    """The page as a leader's phone asks for it, one after the other; the second county is 27 times as large."""
    for kind in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        for enterprises, nights, bar in ((75, 40 if quick else 365, 150), (2000, 2 if quick else 14, 150)):
            with service(kind, ("web",), enterprises, 4) as found:
                _fill(found, nights)
                browser = sign_in(found)
                times = sorted(_asked(browser, found, 20 if quick else 60))
                p95 = times[int(len(times) * 0.95)]
                what = f"tonight's board, {enterprises} enterprises, {kind}, {nights} nights of films: p95"
                median = times[len(times) // 2]
                yield Row(what, f"**{p95:.0f} ms** (median {median:.0f}, longest {times[-1]:.0f})", f"≤ {bar} ms")
                if enterprises == 75 and kind == "SQLite":
                    yield Row(
                        "… first load over the wire", f"**{_first_load_kb(found):.0f} kB**", f"≤ {_FIRST_LOAD_KB}"
                    )


def watching(quick: bool) -> Iterator[Row]:
    """One process, and a hundred browsers whose boards poll."""
    with service("SQLite", ("web",), 75, 4) as found:
        _fill(found, 10)
        browser = sign_in(found)
        version = _board_version(browser.get(f"http://127.0.0.1:{found.port}/").text)
        _poll(found, browser, version, _POLL_EVERY_S)
        began, busy, idle = time.perf_counter(), cpu_s(found), found.rss_mb()
        _poll(found, browser, version, 8 if quick else 40)
        share = (cpu_s(found) - busy) / (time.perf_counter() - began)
        with found.database.transaction() as session:
            tonight = session.scalar(select(func.max(Submission.night)))
            session.execute(insert(Submission), [film_row(tonight, 100_000, 1, 1)])
        seen = _poll(found, browser, version, 2 * _POLL_EVERY_S)
        yield Row("100 boards that poll: of a core", f"**{share:.1%}**", "< 5 %")
        yield Row("… memory for them", f"{found.rss_mb() - idle:.0f} MB (idle {idle:.0f} MB)", "")
        yield Row("… until all 100 have seen a film", f"**{max(seen.values()):.1f} s**", "≤ 5 s")
        assert len(seen) == _WATCHERS


def _board_version(page: str) -> str:
    return re.findall(r"""hx-vals='{"version": "([0-9a-f]+)"}'""", page)[0]


def _poll(found: Service, browser: requests.Session, version: str, for_s: float) -> dict[int, float]:
    """Let every watcher poll at its interval; when each first saw another version, in seconds."""
    seen: dict[int, float] = {}
    began = time.perf_counter()
    for number in range(int(for_s * _WATCHERS / _POLL_EVERY_S)):
        time.sleep(max(0.0, began + number * _POLL_EVERY_S / _WATCHERS - time.perf_counter()))
        answer = browser.get(f"http://127.0.0.1:{found.port}/tonight/board?version={version}")
        assert answer.status_code in (200, 204)
        if answer.status_code == 200:
            seen.setdefault(number % _WATCHERS, time.perf_counter() - began)
    return seen


def _fill(found: Service, nights: int) -> None:
    """Add nights in which nearly all enterprises filmed, half of tonight's films, and a leader."""
    with found.database.transaction() as session:
        parts: Sequence[Any] = session.execute(select(KeyPart.enterprise_id, KeyPart.id)).all()
        tonight = night_of(now(), RuleBook(SHANGHAI))
        session.execute(insert(InboxRow).values(id=1, channel="x", message_key="x", raw="", received_at=now()))
        for back in range(nights):
            night = tonight - timedelta(days=back)
            rows = [
                film_row(night, number, *part)
                for number, part in enumerate(parts)
                if (number + back) % (17 - 15 * (not back))
            ]
            session.execute(insert(Submission), rows)
            session.execute(insert(Notice), [_notice(night, number) for number in range(30)])
    add_leader(found)


def add_leader(found: Service) -> None:
    """Who looks at the pages."""
    with found.database.transaction() as session:
        leader = Person(name="局长", roles=["值班领导"])
        session.add(leader)
        session.flush()
        Store(session).register.bind(leader.id, "wecom", "boss", None)
    found.cloud.add_member("boss")


def now() -> datetime:
    return datetime.now(SHANGHAI)


def film_row(night: Any, number: int, enterprise_id: int, part_id: int) -> dict[str, Any]:
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
        "due_at": now(),
        "state": "sent",
        "attempts": 1,
    }


def sign_in(found: Service) -> requests.Session:
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
    browser, total = sign_in(found), 0
    pages = [
        "/",
        *re.findall(r'(?:src|href)="(/login/static/[^"]+)"', browser.get(f"http://127.0.0.1:{found.port}/").text),
    ]
    for path in pages:
        answer = browser.get(f"http://127.0.0.1:{found.port}{path}", stream=True)
        total += len(answer.raw.read(decode_content=False)) + len(str(answer.headers))
    return total / 1000


def cpu_s(found: Service) -> float:
    """The processor time of the service so far."""
    fields = Path(f"/proc/{found.processes[0].pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
