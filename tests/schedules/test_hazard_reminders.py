"""Reminders of hazards: on which days, to whom, once, and with how many queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from bot.texts import say
from schedules.hazards.reminders import check_reminder, remind_of_deadlines, remind_of_interim_measures
from storage.db.models import Hazard, HazardExtension, HazardMove, Notice, Person
from storage.hazards import Author
from tests.handlers.hazard_parts import NOW, TODAY, ZONE, Ledger, a_ledger, day
from tests.places import Place

# Found on TODAY, due in ten days.
TERM = 10


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        with made.acting() as ctx:
            ctx.store.facts.store_fact("service_started", {"at": NOW.isoformat()})
        yield made


def add_hazards(ledger: Ledger, count: int, first: int = 1, **values: Any) -> None:
    """Hazards in rectification, found on the first day."""
    numbers = {ordinal: f"YH-2026-{ordinal:04d}" for ordinal in range(first, first + count)}
    move = {"seq": 1, "to_state": values.get("state", "rectifying"), "at": NOW, "by_name": "王科"}
    known: dict[str, Any] = {
        "year": 2026,
        "state": "rectifying",
        "enterprise_id": 1,
        "part_id": 1,
        "source": "inspection",
        "kind": "other",
        "treatment": "deadline",
        "matter": "护栏锈蚀",
        "responsible": "甲负责人",
        "responsible_id": 4,
        "measure": "更换",
        "deadline": day(TERM),
        "first_deadline": day(TERM),
        "found_at": NOW,
        "found_on": TODAY,
        "found_by": "王科",
        "registered_at": NOW,
        "registered_by": "王科",
        **values,
    }
    with ledger.database.transaction() as session:
        session.execute(insert(HazardMove), [{**move, "hazard_number": number} for number in numbers.values()])
        rows = [{**known, "number": number, "ordinal": ordinal} for ordinal, number in numbers.items()]
        session.execute(insert(Hazard), rows)


def tick_on(ledger: Ledger, today: date, job: Any = remind_of_deadlines, at: time = time(9, 0)) -> None:
    ledger.now = datetime.combine(today, at, tzinfo=ZONE)
    with ledger.acting() as ctx:
        job(ctx)


def told(ledger: Ledger) -> dict[str, str]:
    """What each person would be sent now, by name; sent then."""
    with ledger.acting() as ctx:
        said = {}
        for notice in ctx.store.session.scalars(
            select(Notice).where(Notice.attempts == 0, Notice.person_id.is_not(None))
        ):
            params, notice.attempts = check_reminder(notice, ctx), 1
            if params is not None:
                said[notice.recipient_name] = say(notice.text_key, **params)
        return said


def test_the_person_in_charge_is_reminded_at_half_time_before_the_deadline_on_its_day_and_daily_after(
    ledger: Ledger,
) -> None:
    add_hazards(ledger, 1)
    reminded = {}
    for days in range(1, TERM + 4):
        tick_on(ledger, day(days))
        tick_on(ledger, day(days), at=time(9, 1))
        reminded[days] = told(ledger)
    assert [days for days, said in reminded.items() if "甲负责人" in said] == [5, 7, 9, 10, 11, 12, 13]
    assert [days for days, said in reminded.items() if "王科" in said] == [10, 11, 12, 13]
    assert "YH-2026-0001 甲化工 1 罐区（护栏锈蚀）：12-04 到期，还有5天" in reminded[5]["甲负责人"]
    assert "今天到期" in reminded[10]["甲负责人"]
    assert "已逾期3天" in reminded[13]["甲负责人"]
    assert reminded[13]["王科"].startswith("📋 隐患整改到期情况：已逾期1项，今天到期0项，待补全0项。\n")


def test_a_person_gets_one_message_for_all_hazards(ledger: Ledger) -> None:
    add_hazards(ledger, 20)
    tick_on(ledger, day(TERM + 1))
    said = told(ledger)
    assert set(said) == {"甲负责人", "王科"}
    assert said["甲负责人"].count("已逾期1天") == 12
    assert "\n另有8项\n" in said["甲负责人"]


def test_without_a_responsible_person_in_the_register_the_heads_are_reminded(ledger: Ledger) -> None:
    add_hazards(ledger, 1, responsible="外包队", responsible_id=None)
    tick_on(ledger, day(TERM))
    assert set(told(ledger)) == {"甲负责人", "甲安全员", "王科"}


def test_those_in_charge_of_an_incomplete_hazard_are_reminded_daily_from_the_next_day(ledger: Ledger) -> None:
    lacking: dict[str, Any] = dict.fromkeys(
        ("matter", "responsible", "responsible_id", "measure", "deadline", "first_deadline")
    )
    add_hazards(ledger, 1, state="incomplete", **lacking)
    reminded = []
    for days in range(3):
        tick_on(ledger, day(days))
        reminded.append(told(ledger))
    assert reminded[0] == {}
    for said in reminded[1:]:
        assert set(said) == {"甲负责人", "甲安全员", "王科"}
        assert "YH-2026-0001 甲化工 1 罐区（" in said["甲负责人"]
        assert "待补全，请写明责任人、措施和时限" in said["甲负责人"]
        assert "已逾期0项，今天到期0项，待补全1项" in said["王科"]


def test_a_reminder_that_is_no_longer_true_is_not_sent(ledger: Ledger) -> None:
    add_hazards(ledger, 1)
    tick_on(ledger, day(TERM))
    with ledger.acting() as ctx:
        hazard = ctx.store.hazards.lock("YH-2026-0001")
        assert hazard is not None
        hazard.deadline = day(TERM + 20)
    assert told(ledger) == {}


def test_a_person_who_is_no_longer_in_charge_is_not_reminded(ledger: Ledger) -> None:
    add_hazards(ledger, 2)
    tick_on(ledger, day(TERM))
    with ledger.acting() as ctx:
        hazard = ctx.store.hazards.lock("YH-2026-0001")
        assert hazard is not None
        hazard.responsible_id = 5
    said = told(ledger)
    assert "YH-2026-0001" not in said["甲负责人"]
    assert "YH-2026-0002" in said["甲负责人"]


def test_interim_measures_are_shown_every_night_until_the_hazard_is_closed(ledger: Ledger) -> None:
    add_hazards(ledger, 1)
    with ledger.acting() as ctx:
        values = {"asked_at": NOW, "asked_on": TODAY, "asked_by_id": 4, "asked_by": "甲负责人", "reason": "等垫片"}
        values |= {"interim": "每班巡检两次", "old_deadline": day(TERM), "new_deadline": day(30), "state": "granted"}
        decided = {"decided_at": NOW, "decided_by_id": 1, "decided_by": "王科"}
        ctx.store.session.add(HazardExtension(hazard_number="YH-2026-0001", **values, **decided))
    for days in (1, 2):
        tick_on(ledger, day(days), remind_of_interim_measures, time(23, 50))
        said = told(ledger)
        assert set(said) == {"甲负责人", "甲巡检员"}
        assert said["甲巡检员"] == (
            "🛡️ 今晚请落实延期隐患的防护措施：\nYH-2026-0001 1 罐区（护栏锈蚀）：每班巡检两次（至 12-04）"
        )
    with ledger.acting() as ctx:
        hazard = ctx.store.hazards.lock("YH-2026-0001")
        person = ctx.store.register.person(1)
        assert hazard is not None
        assert isinstance(person, Person)
        ctx.store.hazards.move(hazard, "void", Author(person.id, person.name), ledger.now, "重复登记")
    tick_on(ledger, day(3), remind_of_interim_measures, time(23, 50))
    assert told(ledger) == {}


def queries_of_a_tick(ledger: Ledger, today: date, at: time = time(9, 0)) -> int:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    try:
        tick_on(ledger, today, at=at)
    finally:
        event.remove(ledger.database.engine, "before_cursor_execute", note)
    return len(asked)


def test_a_tick_asks_as_many_queries_for_many_hazards_as_for_few(ledger: Ledger) -> None:
    add_hazards(ledger, 5)
    few, few_again = queries_of_a_tick(ledger, day(TERM)), queries_of_a_tick(ledger, day(TERM), time(9, 1))
    add_hazards(ledger, 600, first=6)
    assert queries_of_a_tick(ledger, day(TERM + 1)) <= few
    assert queries_of_a_tick(ledger, day(TERM + 1), time(9, 1)) == few_again
    assert few <= 22
