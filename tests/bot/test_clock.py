"""The rehearsal clock: stored in the database, joined by every process, never turned back, never in a real night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clock import (
    REHEARSAL_FACT,
    RealClock,
    RehearsalClock,
    load_clock,
    parse_instant,
    real_delay,
    start_clock,
    sync_rehearsal_clock,
)
from bot.devtools.simulator import Cloud
from schedules.notify import notify_office
from storage.db.database import Database
from storage.db.models import ContentItem
from storage.errors import OperationRefused
from storage.notices import NoticeForm
from storage.store import Store
from tests.bot.parts import Edge, group_of, run_edge
from tests.harness import NIGHT, SHANGHAI, HandClock

START = datetime(2026, 11, 24, tzinfo=SHANGHAI)


class Wall:
    """A wall clock that the test sets."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 5, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.instant

    def turn(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path}/patrol.db")
    database.migrate()
    with database.transaction() as session:
        yield Store(session)
    database.close()


def test_without_a_rehearsal_it_is_the_real_time(store: Store, wall: Wall) -> None:
    for clock in (load_clock(store, wall), start_clock(store, None, None, wall)):
        assert (clock.now(), clock.is_rehearsal, clock.speed) == (wall(), False, 1.0)


def test_a_rehearsal_runs_as_fast_as_asked_and_others_join_it(store: Store, wall: Wall) -> None:
    clock = start_clock(store, START, 60, wall)
    wall.turn(3)
    assert clock.now() == load_clock(store, wall).now() == START + timedelta(minutes=3)
    assert start_clock(store, None, None, wall).now() == clock.now()


def test_a_rehearsal_stands_still_while_no_process_serves(store: Store, wall: Wall) -> None:
    clock = start_clock(store, START, 60, wall)
    wall.turn(4)
    sync_rehearsal_clock(clock, store)
    wall.turn(3600)
    assert load_clock(store, wall).now() == START + timedelta(minutes=4)
    again = start_clock(store, None, None, wall)
    wall.turn(1)
    assert (again.now(), again.speed) == (START + timedelta(minutes=5), 60)


def test_a_rehearsal_is_never_turned_back_but_may_continue_later(store: Store, wall: Wall) -> None:
    sync_rehearsal_clock(start_clock(store, START, 60, wall), store)
    wall.turn(60)
    sync_rehearsal_clock(joined_clock(store, wall), store)
    with pytest.raises(OperationRefused) as found:
        start_clock(store, START + timedelta(minutes=59), None, wall)
    assert found.value.text_key == "clock.cannot_go_back"
    later = start_clock(store, START + timedelta(hours=5), None, wall)
    assert (later.now(), later.speed) == (START + timedelta(hours=5), 60)


def joined_clock(store: Store, wall: Wall) -> RehearsalClock:
    fact = store.facts.read_fact(REHEARSAL_FACT)
    assert fact is not None
    start, since = datetime.fromisoformat(fact["start"]), datetime.fromisoformat(fact["since"])
    return RehearsalClock(start, since, float(fact["speed"]), wall)


def test_a_process_follows_when_another_starts_the_rehearsal_anew(store: Store, wall: Wall) -> None:
    """Otherwise the two would overwrite each other with every heartbeat."""
    first = start_clock(store, START, 60, wall)
    second = start_clock(store, START + timedelta(hours=5), 10, wall)
    sync_rehearsal_clock(first, store)
    assert (first.now(), first.speed) == (second.now(), 10)
    fact = store.facts.read_fact(REHEARSAL_FACT)
    assert fact is not None
    assert fact["start"] == (START + timedelta(hours=5)).isoformat()


def test_a_database_with_real_history_is_never_rehearsed_in(edge: Edge) -> None:
    edge.cloud.phone("zhangsan").says("你好")
    with edge.bot.uow.transaction() as store, pytest.raises(OperationRefused) as found:
        start_clock(store, START, None)
    assert found.value.text_key == "clock.real_history"


def test_a_real_delay_is_shorter_in_a_fast_rehearsal(store: Store, wall: Wall) -> None:
    assert real_delay(start_clock(store, START, 60, wall), START + timedelta(minutes=5)) == timedelta(seconds=5)
    assert real_delay(RealClock(wall), wall() + timedelta(minutes=5)) == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T00:30:00+08:00", datetime(2026, 11, 23, 16, 30, tzinfo=UTC)),
        ("2026-11-24T00:30", datetime(2026, 11, 23, 16, 30, tzinfo=UTC)),
        ("2026-11-23T16:30:00Z", datetime(2026, 11, 23, 16, 30, tzinfo=UTC)),
    ],
)
def test_an_instant_without_an_offset_is_in_the_configured_zone(text: str, instant: datetime) -> None:
    assert parse_instant(text, SHANGHAI) == instant


def test_every_message_sent_in_a_rehearsal_is_marked(tmp_path: Path, cloud: Cloud, clock: HandClock) -> None:
    clock.is_rehearsal = True
    with run_edge(tmp_path, cloud, clock) as edge:
        cloud.callback_sender.transport = None
        edge.say("zhangsan")
        edge.say("KEY", channel="wecom_robot")
        edge.say(
            "zhangsan",
            form=NoticeForm.BUTTONS,
            text_key="question.part_card",
            params={
                "submission": 1,
                "choices": [["1:part:1", "1 罐区"]],
                "receipt": "1124-0001",
                "enterprise": "甲",
                "time": "00:31",
            },
        )
        edge.issue_report()
        edge.say("lisi", form=NoticeForm.REPORT_FILE, text_key="report.daily_file")
        with edge.bot.uow.transaction() as store:
            items = [_item(store, "链接", "https://127.0.0.1:9/a"), _item(store, "视频", None)]
            group_of(store, "KEY")
            notify_office(edge.bot.uow.context(store), NIGHT, "office_alert.message_stuck", "once", message_id=1)
            _keep_film(edge)
        for item in items:
            edge.say(
                "KEY",
                channel="wecom_robot",
                form=NoticeForm.CONTENT,
                text_key="content.film",
                params={"item": item, "title": "某片", "source": ""},
            )
        edge.settle()
        heard = [*cloud.phone("zhangsan").received, *cloud.phone("lisi").received, *cloud.group("KEY").received]
    assert len(heard) == 6
    assert [each.text for each in heard if not each.text.startswith("【演练】")] == []


def _item(store: Any, kind: str, url: str | None) -> int:
    item = ContentItem(title="某片", kind=kind, url=url, tags=[], added_at=datetime.now(UTC), checked_on=NIGHT)
    if url is None:
        item.object_key, item.bytes, item.file_name = "content/film.mp4", 10, "film.mp4"
    store.session.add(item)
    store.session.flush()
    return int(item.id)


def _keep_film(edge: Edge) -> None:
    with edge.bot.objects.spool() as spool:
        spool.write(b"0123456789")
        edge.bot.objects.save(spool, "content/film.mp4")
