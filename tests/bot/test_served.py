"""The serving program: real HTTP, kill -9, graceful stops, one process or two."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.clock import wall_now
from bot.devtools.simulator import Cloud, serve
from bot.devtools.simulator.films import make_film
from storage.db.database import Database
from storage.db.models import InboxRow, Notice, Submission
from storage.store import Store
from tests.bot.parts import until
from tests.bot.processes import Program, program
from tests.harness import County

pytestmark = pytest.mark.slow


@pytest.fixture
def sky(tmp_path: Path) -> Iterator[Program]:
    """A cloud by the real clock, and a program that is not running yet."""
    with Cloud() as cloud:
        serve(cloud)
        with program(cloud, tmp_path) as made:
            yield made


def add_county(sky: Program) -> None:
    """Fill the database with a small county."""
    assert sky.run("migrate").returncode == 0
    database = Database(sky.database_url)
    with database.transaction() as session:
        County(Store(session), sky.cloud).settle(enterprises=4, parts=1)
    database.close()


def rows(sky: Program, model: Any) -> list[Any]:
    with reading(sky) as store:
        return list(store.session.query(model).order_by(model.id))


def test_nothing_is_lost_or_doubled_by_kill_9(sky: Program) -> None:
    add_county(sky)
    # The platform repeats a callback for hours; a handful of times is enough here.
    sky.cloud.callback_sender.retries, sky.cloud.callback_sender.timeout_seconds = 0, 5.0
    film = {number: make_film(seconds=10, size=(64, 48), fps=1, tag=f"kill {number}") for number in range(30)}
    process = sky.start("serve")
    sky.ready()
    sent: list[Any] = []

    def send(number: int) -> None:
        phone = sky.cloud.phone(f"p{number % 4 + 1}")
        one = phone.sends_film(film[number // 4]) if number % 4 == 0 else phone.says("帮助", at=1_795_000_000 + number)
        until(lambda: one.status == 200 or one.repeat().status == 200, 40)
        sent.append(one)

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(send, number) for number in range(100)]
        for share in (15, 45, 75):
            until(lambda share=share: len(sent) >= share, 40)
            sky.kill(process)
            process = sky.start("serve")
        for each in work:
            each.result()
    until(lambda: {each.state for each in rows(sky, InboxRow)} == {"done"}, 40)
    until(lambda: {each.state for each in rows(sky, Notice)} <= {"sent", "cancelled"}, 40)
    assert len(rows(sky, InboxRow)) == 100
    films = rows(sky, Submission)
    assert Counter(each.state for each in films) == {"filed": 25}
    assert len({each.receipt for each in films}) == len({each.message_key for each in films}) == 25
    receipts = [
        heard.text
        for number in range(4)
        for heard in sky.cloud.phone(f"p{number + 1}").received
        if any(each.receipt in heard.text for each in films)
    ]
    assert max(Counter(receipts).values()) == 1
    assert {each.receipt for each in films} == {
        each.receipt for each in films if any(each.receipt in text for text in receipts)
    }


def test_sigterm_ends_in_order_despite_an_open_connection_and_a_hanging_download(sky: Program) -> None:
    add_county(sky)
    process = sky.start("serve")
    sky.ready()
    idle = http.client.HTTPConnection("127.0.0.1", sky.port)
    idle.request("GET", "/health/live")
    idle.getresponse().read()
    release = threading.Event()
    sky.cloud.faults.inject("media/get", hold=release)
    sky.cloud.phone("p1").sends_film(make_film(seconds=10, size=(64, 48), fps=1))
    until(lambda: sky.cloud.faults.pending("media/get") == 0)
    assert sky.end(process) < 5
    release.set()
    idle.close()
    assert process.returncode == 0
    assert "Traceback" not in sky.log
    process = sky.start("serve")
    until(lambda: [each.state for each in rows(sky, Submission)] == ["filed"], 30)
    assert sky.end(process) < 5
    assert process.returncode == 0


def test_a_normal_start_logs_json_lines_in_english_and_warns_of_nothing(sky: Program) -> None:
    add_county(sky)
    process = sky.start("serve", LOG_FORMAT="json")
    sky.ready()
    sky.end(process)
    lines = [json.loads(line) for line in sky.log.splitlines()]
    assert [line for line in lines if line["level"] != "info" or not line["event"].isascii()] == []
    assert any(line["event"].startswith("listening on") and line["logger"] == "bot.web.http_server" for line in lines)


def test_web_and_worker_as_two_processes_on_one_file(sky: Program) -> None:
    assert sky.run("web").returncode == 1
    add_county(sky)
    web, worker = sky.start("web"), sky.start("worker")
    sky.ready()
    assert sky.cloud.verify_url()
    sent = [sky.cloud.phone("p1").sends_film(make_film(seconds=10, size=(64, 48), fps=1)) for _ in range(2)]
    assert [each.status for each in sent] == [200, 200]
    until(lambda: [each.state for each in rows(sky, Submission)] == ["filed", "filed"])
    until(lambda: any("收到" in text for text in sky.cloud.phone("p1").texts))
    assert max(sky.end(web), sky.end(worker)) < 5
    assert (web.returncode, worker.returncode) == (0, 0)
    assert "Traceback" not in sky.log


def test_too_large_a_body_is_refused_with_or_without_its_length(sky: Program) -> None:
    sky.start("serve")
    sky.ready()
    url = f"{sky.url}/callbacks/wecom_app?msg_signature=x"
    for size in (300_000, 700_000):
        pieces = (b"x" * 10_000 for _ in range(size // 10_000))
        assert requests.post(url, data=b"x" * size, timeout=5).status_code == 413
        assert requests.post(url, data=pieces, timeout=5).status_code == 413
    with socket.create_connection(("127.0.0.1", sky.port)) as huge:
        huge.sendall(b"POST /callbacks/wecom_app HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in huge.recv(100)
    assert requests.post(url, data=b"<xml>", timeout=5).status_code == 400
    assert requests.get(f"{sky.url}/callbacks/wecom_app", timeout=5).status_code == 403
    assert requests.get(f"{sky.url}/health/live", timeout=5).status_code == 200


def test_a_port_that_is_taken_is_one_clear_line(sky: Program) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", sky.port))
        other.listen()
        ended = sky.run("serve")
    assert ended.returncode == 1
    assert (str(sky.port) in ended.stderr, "Traceback" in ended.stderr) == (True, False)


def test_a_host_name_with_several_addresses_is_served(sky: Program) -> None:
    process = sky.start("serve", HOST="localhost")
    sky.ready()
    assert sky.end(process) < 5


def test_a_rehearsal_is_joined_by_commands_continued_later_and_never_turned_back(sky: Program) -> None:
    add_county(sky)
    process = sky.start("serve", "--clock", "2026-11-24T00:30:00+08:00", "--speed", "60")
    assert sky.ready()["rehearsal"] is True
    sky.cloud.phone("p1").says("帮助", at=1_795_451_400)
    until(lambda: sky.cloud.phone("p1").texts)
    assert all(text.startswith("【演练】") for text in sky.cloud.phone("p1").texts)
    assert '"night": "2026-11-24"' in sky.run("night", "--json").stdout
    lived = sky.ready()["now"]
    sky.end(process)
    refused = sky.run("serve", "--clock", "2026-11-24T00:30:01+08:00")
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    process = sky.start("serve")
    again = sky.ready()
    assert again["rehearsal"] is True
    assert lived <= again["now"] < "2026-11-24T02:00"
    sky.end(process)
    process = sky.start("serve", "--clock", "2026-11-25T00:30:00+08:00")
    assert sky.ready()["now"] >= "2026-11-25T00:30"
    sky.end(process)


def test_a_web_process_alone_and_a_later_worker_keep_one_rehearsal_clock(sky: Program) -> None:
    add_county(sky)
    process = sky.start("serve", "--clock", "2026-11-24T00:30:00+08:00", "--speed", "60")
    sky.ready()
    sky.end(process)
    sky.start("web")
    began = datetime.fromisoformat(sky.ready()["now"])
    # Longer than a clock without a process behind it counts as running.
    until(lambda: datetime.fromisoformat(sky.ready()["now"]) > began + timedelta(minutes=7))
    sky.start("worker")
    beaten = until(lambda: live_executors(sky))
    told, fact = datetime.fromisoformat(sky.ready()["now"]), rehearsal(sky)
    assert beaten
    assert abs(told - datetime.fromisoformat(fact["reached"])) < timedelta(minutes=3)
    assert datetime.fromisoformat(fact["start"]) <= began


def live_executors(sky: Program) -> set[str]:
    with reading(sky) as store:
        return store.facts.heartbeats_since("worker-heartbeat/", wall_now() - timedelta(seconds=3))


def rehearsal(sky: Program) -> dict[str, Any]:
    with reading(sky) as store:
        return store.facts.read_fact("rehearsal") or {}


@contextmanager
def reading(sky: Program) -> Iterator[Store]:
    database = Database(sky.database_url)
    with database.read() as session:
        yield Store(session)
    database.close()


def test_a_second_worker_with_the_same_executor_id_is_refused_with_one_line(sky: Program) -> None:
    add_county(sky)
    first = sky.start("serve", EXECUTOR_ID="w1")
    sky.ready()
    second = sky.run("worker", EXECUTOR_ID="w1")
    assert (second.returncode, len(second.stderr.splitlines()), "EXECUTOR_ID=w1" in second.stderr) == (1, 1, True)
    other = sky.start("worker", EXECUTOR_ID="w2")
    until(lambda: live_executors(sky) == {"w1", "w2"})
    sky.kill(first)
    first = sky.start("serve", EXECUTOR_ID="w1")
    sky.ready()
    assert max(sky.end(first), sky.end(other)) < 5


@pytest.mark.parametrize(("killed", "closes"), [(True, "2026-11-24T07:3"), (False, "2026-11-24T06:00")])
def test_a_killed_rehearsal_was_an_outage_and_a_stopped_one_was_not(sky: Program, killed: bool, closes: str) -> None:
    add_county(sky)
    process = sky.start("serve", "--clock", "2026-11-24T00:30:00+08:00", "--speed", "1")
    sky.ready()
    until(lambda: None not in last_heartbeats(sky))
    sky.kill(process) if killed else sky.end(process)
    before = last_heartbeats(sky)
    process = sky.start("serve", "--clock", "2026-11-24T01:32:00+08:00", "--speed", "1")
    sky.ready()
    until(lambda: all(now not in (None, then) for now, then in zip(last_heartbeats(sky), before, strict=True)))
    night = json.loads(sky.run("night", "2026-11-24", "--json").stdout)
    # The process that received also worked.
    assert {each["what"] for each in night["outages"]} == ({"receiving", "processing"} if killed else set())
    assert night["window"][1].startswith(closes)
    sky.end(process)


def last_heartbeats(sky: Program) -> list[datetime | None]:
    """The last heartbeat of each component."""
    with reading(sky) as store:
        return [store.outages.last_heartbeat(part) for part in ("receiving", "processing")]
