"""`python -m tests.bench`: every measurement, then the table for docs/performance.md."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from sqlalchemy import event

from bot.app import migrate_all
from bot.clock import RealClock
from bot.engine import InlineEngine
from bot.memory import Memory
from bot.simulator.films import big_film, make_film
from schedules.scheduler import tick
from storage.database import Database
from tests.bench.rig import Service, county, load, percentile, service, texts
from tests.harness import SHANGHAI

Row = tuple[str, str, str]


@contextmanager
def folder():  # type: ignore[no-untyped-def]
    """An empty folder that goes away again."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def callbacks_at_full_load() -> list[Row]:
    """Decrypt, keep, enqueue, answer: as many as go."""
    with folder() as place, service(place) as found:
        load(found.url, texts(found.cloud, found.accounts, 200), 8)
        wanted = texts(found.cloud, found.accounts, 4000, start=1000)
        began = time.perf_counter()
        times, refused = load(found.url, wanted, 8)
        rate = len(wanted) / (time.perf_counter() - began)
    return [
        ("callbacks at full load, 8 connections", f"{rate:.0f}/s, p99 {percentile(times, 0.99):.0f} ms", "≥ 500/s"),
        ("… answered other than 2xx", str(refused), "0"),
    ]


def callbacks_while_filming() -> list[Row]:
    """50 a second while films are taken in."""
    with folder() as place, service(place) as found:
        film = make_film(seconds=12)
        stop = threading.Event()

        def films() -> None:
            number = 0
            while not stop.is_set():
                found.cloud.phone(found.accounts[number % 75]).sends_film(film + bytes(8) + number.to_bytes(8, "big"))
                number += 1
                stop.wait(0.2)

        filming = threading.Thread(target=films)
        filming.start()
        load(found.url, texts(found.cloud, found.accounts, 100), 4, rate=50)
        times, refused = load(found.url, texts(found.cloud, found.accounts, 1000, start=5000), 8, rate=50)
        stop.set()
        filming.join()
        taken = found.count("submission", "state != 'receiving'")
    words = f"p50 {percentile(times, 0.5):.0f}, p99 {percentile(times, 0.99):.0f} ms ({taken} films meanwhile)"
    return [("callbacks at 50/s while 5 films/s come in", words, "p99 < 50 ms"), ("… refused", str(refused), "0")]


def a_film_of_200_mb() -> list[Row]:
    """Memory above idle, and speed against a bare fetch + sha256 + fsynced write of the same film."""
    with folder() as place, service(place) as found:
        path = place / "big.mp4"
        big_film(path, 200)
        found.cloud.phone(found.accounts[1]).sends_film(make_film())
        found.until(lambda: found.count("submission", "state = 'filed'") == 1)
        idle, peaks, stop = found.rss_mb(), [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.02):
                peaks.append(found.rss_mb())

        watching = threading.Thread(target=watch)
        watching.start()
        sent = found.cloud.phone(found.accounts[0]).sends_film(path)
        took = found.until(lambda: found.count("submission", "state = 'filed'") == 2)
        stop.set()
        watching.join()
        bare = _bare(found, sent.media_id, place / "bare")
    return [
        (
            "a 200 MB film taken in",
            f"{200 / took:.0f} MB/s = {bare / took:.2f} of bare ({200 / bare:.0f} MB/s)",
            "≥ 0.5",
        ),
        ("… memory above idle", f"{max(peaks) - idle:.0f} MB (idle {idle:.0f} MB)", "< 100 MB"),
    ]


def _bare(found: Service, media_id: str, target: Path) -> float:
    """Seconds of the same ranged fetch, hashed and written with fsync, and nothing else."""
    api = found.cloud.url
    token = requests.get(
        f"{api}/cgi-bin/gettoken",
        params={"corpid": found.cloud.app.corp_id, "corpsecret": found.cloud.app.secret}, timeout=10,
    ).json()["access_token"]  # fmt: skip
    digest, done, total, size = hashlib.sha256(), 0, 1, 8 * 1024 * 1024
    began = time.perf_counter()
    with requests.Session() as http, target.open("wb") as file:
        while done < total:
            answer = http.get(
                f"{api}/cgi-bin/media/get", params={"access_token": token, "media_id": media_id},
                headers={"Range": f"bytes={done}-{done + size - 1}"}, stream=True, timeout=30,
            )  # fmt: skip
            total = int(answer.headers["Content-Range"].rpartition("/")[2])
            for piece in answer.iter_content(256 * 1024):
                digest.update(piece)
                file.write(piece)
                done += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - began


def a_whole_night_at_once() -> list[Row]:
    """75 enterprises with 4 films each, all sent at the same moment."""
    with folder() as place, service(place, parts=4) as found:
        films = [make_film(seconds=11, tag=f"{number}") for number in range(300)]
        began = time.perf_counter()
        for number, film in enumerate(films):
            found.cloud.phone(found.accounts[number % 75]).sends_film(film)
        sent = time.perf_counter() - began
        found.until(lambda: found.count("submission", "state = 'filed'") == 300)
        took = time.perf_counter() - began
    return [("75 enterprises × 4 films at once", f"{took:.1f} s (sending them {sent:.1f} s)", "≤ 60 s")]


def a_tick() -> list[Row]:
    """One look at the whole timetable in the middle of the night, and how many queries it takes."""
    cost: dict[int, tuple[float, int]] = {}
    for enterprises in (75, 750):
        runs = []
        for _ in range(5):
            with folder() as place:
                runs.append(_tick_cost(place, enterprises))
        cost[enterprises] = sorted(runs)[len(runs) // 2]
    (small, few), (large, many) = cost[75], cost[750]
    return [
        ("a tick over 75 enterprises × 4 parts", f"{small:.1f} ms (750: {large:.1f} ms)", "< 50 ms"),
        ("… queries, 75 and 750 enterprises", f"{few} and {many}", "equal"),
    ]


def _tick_cost(place: Path, enterprises: int) -> tuple[float, int]:
    """Milliseconds and queries of the dearest tick: the one that decides a wave."""
    database = Database(f"sqlite:///{place}/patrol.db")
    migrate_all(database)
    memory = Memory(database, InlineEngine(), RealClock(), SHANGHAI)
    now = datetime(2026, 11, 24, 1, 37, 1, tzinfo=SHANGHAI)
    with memory.transaction() as store:
        store.records.set_fact("born", {"at": (now - timedelta(days=1)).astimezone(UTC).isoformat()})
        county(store, enterprises, 4)
    # The first tick of a process also compiles every query; what counts is how it goes on.
    assert tick(memory.transaction, SHANGHAI, now - timedelta(minutes=5)) == []
    queries = [0]
    event.listen(database.engine, "before_cursor_execute", lambda *_: queries.__setitem__(0, queries[0] + 1))
    began = time.perf_counter()
    assert tick(memory.transaction, SHANGHAI, now) == []
    took = (time.perf_counter() - began) * 1000
    database.close()
    return took, queries[0]


BENCHES: tuple[Callable[[], list[Row]], ...] = (
    callbacks_at_full_load, callbacks_while_filming, a_film_of_200_mb, a_whole_night_at_once, a_tick,
)  # fmt: skip


def main() -> None:
    """Run all, or those named on the command line, and print the table."""
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.python_version()}, {os.cpu_count()} cores\n")
    print("| what | measured | wanted |\n|---|---|---|")
    for bench in [bench for bench in BENCHES if not sys.argv[1:] or bench.__name__ in sys.argv[1:]]:
        for what, measured, wanted in bench():
            print(f"| {what} | {measured} | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
