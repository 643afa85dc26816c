"""The ladder: whom it tells, which step is due, and that it always comes to an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from schedules.alerts.ladder import (
    RUNGS,
    DutyLadder,
    RungStatus,
    Step,
    build_duty_ladder,
    next_rung,
    next_step,
    place_on_ladder,
)

START = datetime(2026, 11, 24, 5, 7, tzinfo=UTC)
WAIT, HELD_FOR = timedelta(minutes=10), timedelta(minutes=30)
rungs_of_people = st.lists(st.integers(0, 3), min_size=1, max_size=6)
people = st.lists(st.integers(1, 6), max_size=4, unique=True)
posts = st.fixed_dictionaries({"leader": people, "backup": people, "staff": people})


def climb(numbers: Sequence[int], failed: Sequence[bool], minutes: Sequence[int]) -> list[tuple[int, datetime]]:
    """Look again after each of these pauses; which rung was used when."""
    rungs = [RungStatus(number, fail) for number, fail in zip(numbers, failed, strict=True)]
    level, climbed_at, now, used = -1, None, START, []
    for pause in [0, *minutes]:
        now += timedelta(minutes=pause)
        found = next_rung(level, climbed_at, rungs, now, WAIT)
        if found is not None:
            level, climbed_at = found, now
            used.append((found, now))
    return used


@given(rungs_of_people, st.lists(st.integers(0, 60), max_size=12))
def test_every_rung_with_people_is_used_and_given_time_to_answer(numbers: list[int], pauses: list[int]) -> None:
    used = climb(numbers, [False] * len(numbers), pauses)
    with_people = [level for level, number in enumerate(numbers) if number]
    assert [level for level, _ in used] == with_people[: len(used)]
    assert all(later - earlier >= WAIT for (_, earlier), (_, later) in pairwise(used))


@given(rungs_of_people, st.data())
def test_the_ladder_ends_with_every_rung_that_has_people(numbers: list[int], data: st.DataObject) -> None:
    failed = data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))
    used = climb(numbers, failed, [10] * (len(numbers) + 2))
    assert [level for level, _ in used] == [level for level, number in enumerate(numbers) if number]


def test_only_a_rung_that_may_answer_is_waited_for() -> None:
    assert climb([1, 1], [True, False], [0]) == [(0, START), (1, START)]
    assert climb([1, 1], [False, False], [9]) == [(0, START)]
    assert climb([1, 0, 1], [False, False, False], [10]) == [(0, START), (2, START + WAIT)]


@given(posts, people, people)
def test_no_person_is_on_two_rungs_and_the_ladder_is_empty_only_without_people(
    on_duty: dict[str, list[int]], leaders: list[int], office: list[int]
) -> None:
    made = build_duty_ladder(on_duty, leaders, office, lambda person: person)
    told = [person for rung in made.rungs for person in rung]
    assert len(told) == len(set(told))
    known = [*on_duty["leader"], *on_duty["backup"], *on_duty["staff"], *leaders, *office]
    assert bool(told) == bool(known)
    assert set(on_duty["leader"]) | set(on_duty["backup"]) | set(on_duty["staff"]) <= set(told)
    assert made.is_substitute == (not on_duty["leader"])


@given(posts, people, people)
def test_people_on_the_roster_come_first(on_duty: dict[str, list[int]], leaders: list[int], office: list[int]) -> None:
    made = build_duty_ladder(on_duty, leaders, office, lambda person: person)
    assert list(made.leader) == (on_duty["leader"] or leaders or office)
    assert all(person in (on_duty["staff"] or office) for person in made.staff)


def go_round(numbers: Sequence[int], failed: Sequence[bool], ticks: int) -> list[tuple[int, datetime]]:
    """Look every minute at a ladder without an end; which rung was used when."""
    rungs = [RungStatus(number, fail) for number, fail in zip(numbers, failed, strict=True)]
    rung, escalated_at, used = -1, None, []
    for minute in range(ticks):
        now = START + timedelta(minutes=minute)
        found = next_rung(rung, escalated_at, rungs, now, WAIT, repeats=True)
        if found is not None:
            rung, escalated_at = found, now
            used.append((found, now))
    return used


@given(rungs_of_people, st.data())
def test_a_ladder_without_an_end_never_falls_silent_and_never_storms(numbers: list[int], data: st.DataObject) -> None:
    failed = data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))
    used = go_round(numbers, failed, 240)
    if not any(numbers):
        assert used == []
        return
    assert all(numbers[rung % len(numbers)] for rung, _ in used)
    assert all(later - earlier <= WAIT for (_, earlier), (_, later) in pairwise(used))
    assert used[-1][1] > START + timedelta(minutes=240) - WAIT - timedelta(minutes=1)
    for place in range(len(numbers)):
        times = [when for rung, when in used if rung % len(numbers) == place]
        assert all(later - earlier >= WAIT for earlier, later in pairwise(times))


def test_the_place_on_the_ladder_does_not_count_the_rounds() -> None:
    assert [place_on_ladder(rung) for rung in (-1, 0, 3, 4, 7, 9)] == [-1, 0, 3, 0, 3, 1]
    assert len(DutyLadder([1], [2], [3]).rungs) + 1 == RUNGS


@dataclass
class ModelAlert:
    """An alert as the ladder sees it."""

    rung: int = -1
    escalated_at: datetime | None = None
    held_until: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledgement_ends_at: datetime | None = None
    closed_at: datetime | None = None


class LadderMachine(RuleBasedStateMachine):
    """An emergency, looked at every minute, while people answer or not and rungs empty or fail."""

    @initialize(held=st.integers(0, 5))
    def open(self, held: int) -> None:
        self.now, self.alert = START, ModelAlert(held_until=START + timedelta(minutes=held) if held else None)
        self.rungs = [RungStatus(1), RungStatus(1), RungStatus(2), RungStatus(1)]
        self.silent_since, self.told = START + timedelta(minutes=held), list[tuple[object, datetime]]()

    @rule(place=st.integers(0, 3), people=st.integers(0, 2), failed=st.booleans())
    def change(self, place: int, people: int, failed: bool) -> None:
        self.rungs[place] = RungStatus(people, failed)

    @rule()
    def acknowledge(self) -> None:
        if self.alert.closed_at is None and self.alert.rung >= 0:
            self.alert.acknowledged_at, self.alert.acknowledgement_ends_at = self.now, self.now + HELD_FOR

    @rule()
    def resolve(self) -> None:
        self.alert.closed_at = self.alert.closed_at or self.now

    @rule(minutes=st.integers(1, 45))
    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.now += timedelta(minutes=1)
            self.look()

    def look(self) -> None:
        ends_at, held_until = self.alert.acknowledgement_ends_at, self.alert.held_until
        is_held = ends_at is not None and self.now < ends_at
        is_asked = held_until is not None and self.now < held_until
        step = next_step(self.alert, self.rungs, self.now, WAIT, repeats=True)
        if is_held or is_asked or self.alert.closed_at is not None:
            assert step is None, "a rung is alerted although the alert is held, being asked about, or closed"
            self.silent_since = self.now
            return
        if step is None:
            has_people = any(rung.people_count for rung in self.rungs)
            assert not has_people or self.now - self.silent_since <= WAIT, "the escalation stopped"
            if not has_people:
                self.silent_since = self.now
            return
        if isinstance(step, int):
            assert step > self.alert.rung
            assert self.rungs[step % len(self.rungs)].people_count, "an empty rung is not used"
            self.alert.rung = step
        else:
            assert step is Step.ASK_HOLDER
            assert ends_at is not None
            assert self.told.count((step, ends_at)) == 0, "the holder is asked once"
            self.told.append((step, ends_at))
        self.alert.escalated_at = self.silent_since = self.now


TestLadderMachine = LadderMachine.TestCase
