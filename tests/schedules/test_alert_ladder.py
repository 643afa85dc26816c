"""The ladder: whom it tells, which step is due, and that it always comes to an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schedules.alerts.ladder import RungStatus, build_duty_ladder, next_rung

START = datetime(2026, 11, 24, 5, 7, tzinfo=UTC)
WAIT = timedelta(minutes=10)
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
def test_nobody_is_on_two_rungs_and_somebody_is_on_one_if_there_is_anybody(
    on_duty: dict[str, list[int]], leaders: list[int], office: list[int]
) -> None:
    made = build_duty_ladder(on_duty, leaders, office, lambda person: person)
    told = [person for rung in made.rungs for person in rung]
    assert len(told) == len(set(told))
    anybody = [*on_duty["leader"], *on_duty["backup"], *on_duty["staff"], *leaders, *office]
    assert bool(told) == bool(anybody)
    assert set(on_duty["leader"]) | set(on_duty["backup"]) | set(on_duty["staff"]) <= set(told)
    assert made.is_substitute == (not on_duty["leader"])


@given(posts, people, people)
def test_people_on_the_roster_come_first(on_duty: dict[str, list[int]], leaders: list[int], office: list[int]) -> None:
    made = build_duty_ladder(on_duty, leaders, office, lambda person: person)
    assert list(made.leader) == (on_duty["leader"] or leaders or office)
    assert all(person in (on_duty["staff"] or office) for person in made.staff)
