"""The figures of hazards: what each means, how the past is known afterwards, and the sum of the rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.texts import fill
from handlers.hazards.adding import HazardDraft
from handlers.hazards.editing import edit_hazard
from handlers.hazards.extensions import ask_extension, grant_extension, refuse_extension
from handlers.hazards.moving import accept_hazard, return_hazard, submit_hazard, void_hazard
from schedules.hazards.figures import FIGURES, HazardPeriod, hazards_of_day, hazards_of_period
from schedules.reports.amendments import amendment_lines
from schedules.reports.changes import Change
from storage.db.models import Hazard
from storage.errors import OperationRefused
from storage.hazards import HazardFilter, is_overdue
from tests.handlers.hazard_parts import NOW, TODAY, Ledger, a_ledger, day
from tests.places import Place


@pytest.fixture
def ledger(tmp_path: Path, place: Place) -> Iterator[Ledger]:
    with a_ledger(place, tmp_path) as made:
        yield made


def period(ledger: Ledger, first: date, last: date) -> HazardPeriod:
    with ledger.reading() as ctx:
        return hazards_of_period(ctx, first, last)


def four(found: HazardPeriod) -> tuple[int, ...]:
    return tuple(getattr(found.tally(), name) for name in FIGURES)


def accepted(ledger: Ledger, number: str) -> None:
    ledger.later(hours=1)
    ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
    ledger.does(accept_hazard, number, by="李局")


def test_a_hazard_counts_where_it_was_found_extended_overdue_and_closed(ledger: Ledger) -> None:
    number = ledger.add(deadline=day(2))
    ledger.later(days=1)
    ledger.does(ask_extension, number, day(4), "缺备件", "加强巡查", by="甲负责人")
    ledger.does(grant_extension, number, by="李局")
    ledger.later(days=5)
    accepted(ledger, number)
    ledger.later(days=10)
    assert [four(period(ledger, day(each), day(each))) for each in range(8)] == [
        (1, 0, 0, 0),
        (0, 0, 0, 1),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
        (0, 0, 1, 0),
        (0, 1, 0, 0),
        (0, 0, 0, 0),
    ]
    assert four(period(ledger, day(0), day(9))) == (1, 1, 0, 1)
    assert four(period(ledger, day(0), day(5))) == (1, 0, 1, 1)
    [before] = period(ledger, day(0), day(0)).rows
    assert (before.deadline, before.state, before.accepted_on) == (day(2), "rectifying", None)
    [after] = period(ledger, day(0), day(6)).rows
    assert (after.deadline, after.state, after.accepted_by) == (day(4), "accepted", "李局")


def test_the_rate_is_the_share_of_those_found_that_were_accepted_by_the_end(ledger: Ledger) -> None:
    early = ledger.add()
    ledger.later(days=1)
    numbers = [ledger.add(level=level, criterion=criterion) for level, criterion in LEVELS]
    accepted(ledger, early)
    accepted(ledger, numbers[0])
    found = period(ledger, day(1), day(1))
    assert (four(found), found.tally().rate) == ((3, 2, 0, 0), 1 / 3)
    assert found.only(level="major").tally().rate == 0
    assert period(ledger, day(5), day(5)).tally().rate is None


LEVELS = (("general", None), ("general", None), ("major", "AQ 3067-2026 5.2.3"))


def test_a_void_hazard_counts_nowhere_and_one_found_at_night_by_its_local_date(ledger: Ledger) -> None:
    number = ledger.add()
    ledger.does(void_hazard, number, "重复登记", by="李局")
    assert period(ledger, day(-30), day(30)).rows == ()
    just_after_midnight = NOW.replace(hour=0, minute=10)
    ledger.add(draft=HazardDraft(1, found_at=just_after_midnight))
    assert four(period(ledger, TODAY, TODAY)) == (1, 0, 0, 0)
    assert four(period(ledger, day(-1), day(-1))) == (0, 0, 0, 0)


def test_a_return_after_the_period_does_not_make_it_overdue_in_it(ledger: Ledger) -> None:
    number = ledger.add(deadline=day(1))
    ledger.later(days=1)
    ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
    ledger.later(days=4)
    ledger.does(return_hazard, number, "仍在渗漏", by="李局")
    ledger.later(days=2)
    assert four(period(ledger, day(0), day(3))) == (1, 0, 0, 0)
    assert four(period(ledger, day(5), day(5))) == (0, 0, 1, 0)


def test_the_state_is_that_of_the_end_of_the_period(ledger: Ledger) -> None:
    number = ledger.add(measure=None, deadline=day(9))
    ledger.later(days=1)
    ledger.does(edit_hazard, number, {"measure": "更换垫片"}, by="王科")
    ledger.later(days=1)
    ledger.does(submit_hazard, number, ledger.film(), by="甲负责人")
    ledger.later(days=1)
    ledger.does(accept_hazard, number, by="李局")
    states = [period(ledger, day(0), day(each)).rows[0].state for each in range(4)]
    assert states == ["incomplete", "rectifying", "awaiting_acceptance", "accepted"]


def test_a_day_lists_what_happened_and_what_is_overdue_only(ledger: Ledger) -> None:
    overdue, waiting = ledger.add(deadline=day(0)), ledger.add(deadline=day(20))
    ledger.later(days=1)
    new = ledger.add(deadline=day(20))
    with ledger.reading() as ctx:
        found = hazards_of_day(ctx, day(1))
    assert [row.number for row in found.period.rows] == [overdue, new]
    assert waiting not in {row.number for row in found.period.rows}
    assert (four(found.period), found.before.found) == ((1, 0, 1, 0), 2)


def test_many_hazards_that_are_registered_later_do_not_fill_the_message_of_the_amendment(ledger: Ledger) -> None:
    numbers = [f"YH-2026-{number:04d}" for number in range(1, 41)]
    with ledger.reading() as ctx:
        [many] = amendment_lines([Change(None, "hazards", None, numbers)], ctx.rules)
        [few] = amendment_lines([Change(None, "hazards", None, numbers[:2])], ctx.rules)
    assert fill(many) == "全县：后登记的隐患 — → YH-2026-0001 等 40 项"
    assert fill(few) == "全县：后登记的隐患 — → YH-2026-0001、YH-2026-0002"


ACTS: list[tuple[Any, str, tuple[Any, ...]]] = [
    (return_hazard, "李局", ("未见整改",)),
    (accept_hazard, "李局", ()),
    (grant_extension, "李局", ()),
    (refuse_extension, "李局", ("理由不足",)),
    *[(edit_hazard, "王科", ({"measure": measure},)) for measure in ("更换垫片", "更换法兰", "停用", "更换阀门")],
]


def live_a_day(ledger: Ledger, dice: random.Random, numbers: list[str]) -> None:
    """Some hazards are added, and something is tried with each; what the rules refuse does not happen."""
    for _ in range(dice.randrange(3)):
        deadline = ledger.now.date() + timedelta(days=dice.randrange(6))
        numbers.append(ledger.add(deadline=deadline, measure=dice.choice(["停用", None])))
    for number in numbers:
        ledger.later(minutes=1)
        act, by, arguments = dice.choice(ACTS)
        if dice.random() < 0.15:
            act, by, arguments = submit_hazard, "甲负责人", (ledger.film(),)
        elif dice.random() < 0.2:
            until = ledger.now.date() + timedelta(days=dice.randrange(1, 8))
            act, by, arguments = ask_extension, "甲负责人", (until, "缺备件", "加强巡查")
        if dice.random() < 0.02:
            act, by, arguments = void_hazard, "李局", ("不属实",)
        try:
            ledger.does(act, number, *arguments, by=by)
        except OperationRefused:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_what_was_overdue_on_any_past_day_is_known_afterwards(ledger: Ledger, seed: int) -> None:
    dice, numbers = random.Random(seed), list[str]()
    overdue: dict[date, set[str]] = {}
    for _ in range(12):
        live_a_day(ledger, dice, numbers)
        today = ledger.now.date()
        with ledger.reading() as ctx:
            overdue[today] = set(ctx.store.session.scalars(select(Hazard.number).where(is_overdue(today))))
            assert ctx.store.hazards.counts(HazardFilter(), today)["overdue"] == len(overdue[today])
            now = hazards_of_period(ctx, day(0), day(30))
            assert {row.number for row in now.rows if row.tally.overdue} == overdue[today]
        ledger.later(days=1)
    void = {number for number in numbers if ledger.state(number) == "void"}
    for each, expected in overdue.items():
        told = {row.number for row in period(ledger, each, each).rows if row.tally.overdue}
        assert told == expected - void, each
    assert any(overdue.values())
    everything = period(ledger, day(0), day(30))
    assert sum(four(period(ledger, each, each))[0] for each in overdue) == everything.tally().found
    assert sum(four(period(ledger, each, each))[1] for each in overdue) == everything.tally().closed
    assert sum(four(period(ledger, each, each))[3] for each in overdue) == everything.tally().extended
