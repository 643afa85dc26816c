"""The number of queries of a judgement and of a wave does not grow with the number of enterprises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.clock import RealClock
from bot.engine import InlineEngine
from bot.unit_of_work import UnitOfWork
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.reminders import check_reminder, decide_reminder_waves
from storage.db.database import Database
from storage.personal_channels import PersonalChannel
from tests.bench.province import NIGHT, film_a_night, settle
from tests.harness import SHANGHAI
from tests.places import current_place

WAVE = datetime(2026, 11, 24, 3, 7, 1, tzinfo=SHANGHAI)


@pytest.fixture
def queries(tmp_path: Path) -> Queries:
    return Queries(tmp_path)


class Queries:
    """How many queries a wave takes over so many enterprises, of which some belong to no group."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, enterprises: int) -> tuple[int, ...]:
        folder = self._folder / str(enterprises)
        folder.mkdir()
        database = Database(current_place().migrated(folder))
        try:
            memory = UnitOfWork(database, InlineEngine(), RealClock(), SHANGHAI)
            memory.personal_channels = (PersonalChannel("wecom_app", "wecom"),)
            return self._of(memory, enterprises)
        finally:
            database.close()

    def _of(self, memory: UnitOfWork, enterprises: int) -> tuple[int, ...]:
        settle(memory.database, enterprises, without_group=enterprises // 3)
        film_a_night(memory.database, NIGHT, enterprises)
        with memory.transaction() as store:
            store.facts.store_fact("service_started", {"at": (WAVE - timedelta(days=1)).astimezone(UTC).isoformat()})
        said: list[str] = []
        counts = []
        event.listen(memory.database.engine, "before_cursor_execute", lambda _c, _k, words, *_: said.append(words))
        with memory.transaction() as store:
            book = memory.rules(store)
            said.clear()
            assert len(judge_night(Context(store, book, WAVE), NIGHT).confirmed_missing) == enterprises // 10
            counts.append(len(said))
            decide_reminder_waves(Context(store, book, WAVE))
            counts.append(len(said))
            notices = [each for each in store.notices.of_night(NIGHT) if each.kind == "reminder"]
            assert len({each.address for each in notices}) == len(notices) > enterprises // 100
            said.clear()
            assert (
                check_reminder(next(each for each in notices if each.group_id), Context(store, book, WAVE)) is not None
            )
            counts.append(len(said))
        return tuple(counts)


def test_a_wave_over_ten_times_as_many_enterprises_takes_as_many_queries(queries: Queries) -> None:
    assert queries.of(150) == queries.of(1500)
