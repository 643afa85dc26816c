"""The judgement of a night: the counts add up, more films are never worse, order does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schedules.judgement import STATES, ExpectedEnterprise, ExpectedPart, JudgeableFilm, NightJudgement, judge
from schedules.patrol_night import submission_window
from schedules.rules import RuleBook

WINDOW = submission_window(date(2026, 11, 24), RuleBook(ZoneInfo("Asia/Shanghai")))
BADNESS = ["on_time", "late", "unjudged", "partial", "missing"]


def enterprise(number: int, exempt: Sequence[bool]) -> ExpectedEnterprise:
    """An enterprise with a part per flag; part ids are 10 × its number and up."""
    parts = tuple(ExpectedPart(number * 10 + each, str(each), f"部位{each}", flag) for each, flag in enumerate(exempt))
    return ExpectedEnterprise(number, f"E{number}", f"企业{number}", f"企{number}", None, None, parts)


counties = st.lists(st.lists(st.booleans(), max_size=4), max_size=5).map(
    lambda all_flags: [enterprise(number, flags) for number, flags in enumerate(all_flags, 1)]
)
moments = st.timedeltas(timedelta(hours=-2), timedelta(hours=16)).map(lambda after: WINDOW.opens + after)


def clip(sent_at: datetime, number: int, part: int | None, known: bool) -> JudgeableFilm:
    """A film of a part, of an enterprise without its part, or one whose enterprise is in question."""
    if part is not None:
        return JudgeableFilm(number, number * 10 + part, sent_at)
    return (
        JudgeableFilm(number, None, sent_at)
        if known
        else JudgeableFilm(None, None, sent_at, frozenset({number, number + 1}))
    )


clips = st.builds(clip, moments, st.integers(1, 5), st.none() | st.integers(0, 3), st.booleans())


@given(counties, st.lists(clips), moments)
def test_every_enterprise_is_in_exactly_one_state(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime
) -> None:
    counts = judge(county, films, WINDOW, now).counts
    assert counts.pop("expected") == len(county) == sum(counts.values())
    assert set(counts) == set(STATES)


@given(counties, st.lists(clips), clips, moments)
def test_an_additional_film_never_makes_a_state_worse(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], more: JudgeableFilm, now: datetime
) -> None:
    before, after = judge(county, films, WINDOW, now), judge(county, [*films, more], WINDOW, now)
    for old, new in zip(before.enterprises, after.enterprises, strict=True):
        assert (old.state == "exempt") == (new.state == "exempt")
        if old.state != "exempt":
            assert BADNESS.index(new.state) <= BADNESS.index(old.state)
        assert set(new.missing_parts) <= set(old.missing_parts)
        assert set(new.confirmed_missing_parts) <= set(old.confirmed_missing_parts)
        assert old.nothing_received or not new.nothing_received


@given(counties, st.lists(clips, max_size=8), moments, st.randoms())
def test_the_order_of_films_does_not_matter(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime, random: object
) -> None:
    shuffled = list(films)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert seen(judge(county, films, WINDOW, now)) == seen(judge(county, shuffled, WINDOW, now))


def seen(judgement: NightJudgement) -> list[object]:
    """The state of each enterprise and each part in a judgement."""
    return [(each.state, dict(each.part_states), each.confirmed_missing_parts) for each in judgement.enterprises]


@given(counties, st.lists(clips), moments)
def test_an_exempt_part_is_never_missing(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime
) -> None:
    for each in judge(county, films, WINDOW, now).enterprises:
        assert not any(part.exempt for part in (*each.missing_parts, *each.confirmed_missing_parts))
        for part in each.enterprise.parts:
            assert (each.part_states[part.id] == "exempt") == part.exempt
        assert (each.state == "exempt") == all(part.exempt for part in each.enterprise.parts)


@given(counties, st.lists(clips), moments, moments)
def test_nothing_is_missing_before_the_window_closes(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime, later: datetime
) -> None:
    judgement = judge(county, films, WINDOW, min(now, WINDOW.closes))
    assert judgement.counts["missing"] == judgement.counts["partial"] == 0
    over = judge(county, films, WINDOW, max(later, WINDOW.closes + timedelta(seconds=1)))
    for each in over.enterprises:
        assert (each.state == "unjudged") == (bool(each.unattributed_count) and bool(each.missing_parts))


@given(counties, st.lists(clips), moments, st.floats(0, 1))
def test_mass_silence_suggests_an_outage_only_if_an_enterprise_is_due(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime, threshold: float
) -> None:
    judgement = judge(county, films, WINDOW, now)
    due = [each for each in judgement.enterprises if each.enterprise.due_parts]
    silent = [each for each in due if each.nothing_received]
    assert judgement.suggests_outage(threshold) == (bool(due) and len(silent) > threshold * len(due))
    assert not judgement.suggests_outage(1.0)


@given(counties, st.lists(clips), moments)
def test_a_night_is_undecided_only_while_nothing_is_confirmed_missing_and_something_is_missing(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], now: datetime
) -> None:
    judgement = judge(county, films, WINDOW, now)
    lacking = any(each.missing_parts for each in judgement.enterprises)
    assert (bool(judgement.confirmed_missing), judgement.is_undecided) in {(True, False), (False, lacking)}


def test_a_part_with_a_rejected_film_is_open_until_the_late_period_ends() -> None:
    county = [enterprise(1, [False])]
    rejected = JudgeableFilm(1, 10, WINDOW.opens, rejected=True)
    states = {
        hour: judge(county, [rejected], WINDOW, WINDOW.opens + timedelta(hours=hour)).enterprises[0].state
        for hour in (1, 7, 13)
    }
    assert states == {1: "unjudged", 7: "unjudged", 13: "missing"}
    fresh = JudgeableFilm(1, 10, WINDOW.closes + timedelta(hours=1))
    assert judge(county, [rejected, fresh], WINDOW, WINDOW.closes + timedelta(hours=2)).enterprises[0].state == "late"


@given(counties, st.lists(clips), clips.filter(lambda film: film.part_id is not None), moments)
def test_a_rejected_film_is_never_worse_than_no_film(
    county: list[ExpectedEnterprise], films: list[JudgeableFilm], more: JudgeableFilm, now: datetime
) -> None:
    rejected = JudgeableFilm(more.enterprise_id, more.part_id, more.sent_at, rejected=True)
    before, after = judge(county, films, WINDOW, now), judge(county, [*films, rejected], WINDOW, now)
    for old, new in zip(before.enterprises, after.enterprises, strict=True):
        worse = {("missing", "unjudged"), ("partial", "unjudged")}
        assert old.state == new.state or (old.state, new.state) in worse
