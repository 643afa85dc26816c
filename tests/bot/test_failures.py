"""A full disk, a locked or damaged database, a failing object store or platform: nothing is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, text

from bot.bootstrap import build_object_store
from bot.devtools.simulator import Cloud
from bot.devtools.simulator.films import make_film
from bot.intake.inbox_writer import CALLBACK_TIMEOUT_S
from storage.db.database import Database
from storage.db.models import Submission
from storage.errors import DatabaseUnavailable
from storage.objects import ObjectError, ObjectStore, Spool
from tests.bot.parts import WITHOUT_WORKER, Edge, run_edge
from tests.harness import County, HandClock, config_for
from tests.places import Place, embedded_only

FILM = make_film(seconds=10, size=(64, 48), fps=1)


@pytest.fixture
def county(edge: Edge) -> Edge:
    settle_county(edge)
    return edge


def settle_county(edge: Edge) -> None:
    with edge.bot.uow.transaction() as store:
        County(store, edge.cloud).settle(enterprises=1, parts=1)


@pytest.fixture
def impatient(tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place) -> Iterator[Edge]:
    with run_edge(tmp_path, cloud, clock, timeouts=replace(WITHOUT_WORKER, callback_s=0.1, readiness_s=0.1)) as edge:
        yield edge


def ready(edge: Edge) -> tuple[int, dict[str, Any]]:
    answer = edge.client.get("/health/ready")
    return answer.status_code, answer.json


@contextmanager
def full(edge: Edge) -> Iterator[None]:
    """The database may not grow any more, on any connection."""

    def limit(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")

    engines = (edge.database.engine, edge.database.raw_statements.engine)
    for engine in engines:
        event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "checkout", limit)
            engine.dispose()


@embedded_only
def test_a_full_database_is_503_and_the_message_is_stored_once_there_is_room(edge: Edge) -> None:
    with full(edge):
        sent = edge.cloud.phone("zhangsan").says("字" * 5000)
        assert sent.status == 503
    assert edge.inbox() == []
    assert edge.counted()["not_stored"] >= 1
    assert sent.repeat().status == 200
    assert len(edge.inbox()) == 1


@embedded_only
def test_a_locked_database_is_503_before_the_platform_times_out(impatient: Edge, tmp_path: Path) -> None:
    assert CALLBACK_TIMEOUT_S < 5
    edge = impatient
    other = Database(f"sqlite:///{tmp_path}/patrol.db")
    with other.transaction() as session:
        session.execute(text("create table t (id)"))
        started = time.monotonic()
        sent = edge.cloud.phone("zhangsan").says("你好")
        status, answer = ready(edge)
        assert time.monotonic() - started < 5
        session.rollback()
    other.close()
    assert (sent.status, status, list(answer["problems"])) == (503, 503, ["database"])
    assert sent.repeat().status == 200
    assert ready(edge)[0] == 200


@embedded_only
def test_a_long_transaction_of_this_process_is_503_too(impatient: Edge) -> None:
    edge = impatient
    inside, release = threading.Event(), threading.Event()

    def write() -> None:
        with edge.bot.uow.transaction():
            inside.set()
            release.wait(20)

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait(20)
    sent = edge.cloud.phone("zhangsan").says("你好")
    release.set()
    thread.join()
    assert sent.status == 503
    assert sent.repeat().status == 200


@embedded_only
def test_a_damaged_database_is_503(edge: Edge, tmp_path: Path) -> None:
    edge.database.close()
    for side in ("patrol.db-wal", "patrol.db-shm"):
        (tmp_path / side).unlink(missing_ok=True)
    (tmp_path / "patrol.db").write_bytes(b"this is no database at all" * 1000)
    assert edge.cloud.phone("zhangsan").says("你好").status == 503
    assert ready(edge)[0] == 503
    assert edge.client.get("/metrics").status_code == 200
    assert edge.client.get("/content/x").status_code in (404, 503)
    assert edge.client.get("/health/live").status_code == 200
    with pytest.raises(DatabaseUnavailable):
        edge.bot.worker.run_tick()


def test_a_database_without_its_tables_is_503(edge: Edge) -> None:
    with edge.bot.uow.transaction() as store:
        store.session.execute(text("update alembic_version set version_num='from the future'"))
    status, answer = ready(edge)
    assert (status, "from the future" in answer["problems"]["database"]) == (503, True)


class FullableStore:
    """An object store whose disk may be full."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self.full = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, spool: Spool, key: str) -> None:
        if self.full:
            raise ObjectError("cannot save: No space left on device")
        self._store.save(spool, key)

    def check(self) -> None:
        if self.full:
            raise ObjectError("cannot save: No space left on device")
        self._store.check()


def test_a_film_waits_until_the_object_store_takes_it(
    tmp_path: Path, cloud: Cloud, clock: HandClock, place: Place
) -> None:
    objects = FullableStore(build_object_store(config_for(cloud, tmp_path)))
    with run_edge(tmp_path, cloud, clock, objects=cast(ObjectStore, objects)) as county:
        settle_county(county)
        county.clock.instant = county.clock.instant.replace(hour=1)
        objects.full = True
        assert county.cloud.phone("p1").sends_film(FILM).status == 200
        for _ in range(4):
            county.settle(10)
        assert [each.state for each in county.rows(Submission)] == ["receiving"]
        status, answer = ready(county)
        assert (status, "No space left" in answer["problems"]["object_store"]) == (503, True)
        objects.full = False
        county.settle(60)
        assert [each.state for each in county.rows(Submission)] == ["filed"]
        county.settle(10)
        assert len([text for text in county.cloud.phone("p1").texts if "收到" in text]) == 1
        assert ready(county)[0] == 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_directory_is_reported(county: Edge, tmp_path: Path) -> None:
    (tmp_path / "objects" / ".spool").chmod(0o500)
    assert "object_store" in ready(county)[1]["problems"]
    (tmp_path / "objects" / ".spool").chmod(0o700)


@pytest.mark.parametrize("fault", [{"errcode": 45033}, {"errcode": -1}, {"http_status": 502}, {"truncate_after": 10}])
def test_a_film_that_cannot_be_fetched_now_is_fetched_later(county: Edge, fault: dict[str, Any]) -> None:
    county.cloud.faults.inject("media/get", **fault, times=8)
    county.cloud.phone("p1").sends_film(FILM)
    for _ in range(10):
        county.settle(61)
    assert [(each.state, each.bytes) for each in county.rows(Submission)] == [("filed", len(FILM))]


def test_corrupt_bytes_are_fetched_again_without_a_notice(county: Edge) -> None:
    """The platform gives no checksum, but a file that is not a film is fetched once more."""
    county.cloud.faults.inject("media/get", corrupt_bytes=True, times=3)
    county.cloud.phone("p1").sends_film(FILM)
    for _ in range(4):
        county.settle(61)
    assert [(each.state, each.marks) for each in county.rows(Submission)] == [("filed", [])]
    assert [text for text in county.cloud.phone("p1").texts if "不是" in text] == []


def test_a_file_that_is_no_film_twice_is_unfit(county: Edge) -> None:
    county.cloud.phone("p1").sends_film(b"no film at all" * 100)
    county.settle(1)
    assert [each.state for each in county.rows(Submission)] == ["unfit"]


def test_the_office_is_notified_once_of_a_message_that_keeps_failing(county: Edge) -> None:
    county.cloud.faults.inject("media/get", errcode=-1, times=30)
    county.cloud.phone("p1").sends_film(FILM)
    for _ in range(35):
        county.settle(61)
    assert [each.state for each in county.rows(Submission)] == ["filed"]
    with county.bot.uow.read() as store:
        notices = store.notices.of_night(county.notices()[0].night)
        notified = {each.person_id for each in notices if each.text_key == "office_alert.message_stuck"}
    staff = [text for text in county.cloud.phone("staff").texts if "多次处理失败" in text]
    assert (len(staff), len(notified) >= 1) == (1, True)


def test_an_unreachable_platform_is_a_warning_and_not_unready(edge: Edge) -> None:
    assert "platform" not in edge.client.get("/health/ready").json["warnings"]
    edge.bot.channels.api_urls.add("http://127.0.0.1:9")
    answer = edge.client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert "127.0.0.1:9" in answer.json["warnings"]["platform"]
