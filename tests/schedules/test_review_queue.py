"""Which films are reviewed, and which first; no person can choose the sample."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.review.queue import (
    ALWAYS_REVIEW_SCORE,
    REASON_WEIGHTS,
    ReviewCandidate,
    build_queue,
    choose_second_reviews,
    plain_in_order,
    review_reasons,
    stable_random,
)

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
candidates = st.lists(
    st.builds(
        ReviewCandidate,
        film_id=st.integers(1, 10**6),
        sent_at=st.timedeltas(timedelta(0), timedelta(hours=6)).map(lambda after: NOW + after),
        sample_value=st.floats(0, 1, exclude_max=True),
        risk=st.sampled_from([None, "红", "橙", "黄", "蓝"]),
        major_hazard_sources=st.integers(0, 3),
        marks=st.frozensets(st.sampled_from(["late", "seen_in_earlier_night", "seen_at_other_enterprise", "recalled"])),
        had_problem=st.booleans(),
    ),
    unique_by=lambda film: film.film_id,
)


def test_reused_films_come_before_problem_parts_before_red_ones() -> None:
    films = [
        ReviewCandidate(1, NOW, 0.5, risk="红"),
        ReviewCandidate(2, NOW, 0.5, risk="蓝", had_problem=True),
        ReviewCandidate(3, NOW, 0.5, marks=frozenset({"seen_at_other_enterprise"})),
        ReviewCandidate(4, NOW, 0.5, risk="黄", major_hazard_sources=1),
        ReviewCandidate(5, NOW, 0.05, risk="蓝"),
        ReviewCandidate(6, NOW, 0.95, risk="橙"),
    ]
    assert [(each.film_id, each.sampled) for each in build_queue(films, 0.1)] == [
        (3, False),
        (2, False),
        (1, False),
        (4, False),
        (5, True),
    ]


@given(candidates, st.floats(0, 1))
def test_every_risky_film_is_queued_and_none_twice(films: list[ReviewCandidate], share: float) -> None:
    queued = build_queue(films, share)
    ids = [each.film_id for each in queued]
    risky = {
        film.film_id
        for film in films
        if sum(REASON_WEIGHTS[why] for why in review_reasons(film)) >= ALWAYS_REVIEW_SCORE
    }
    assert len(ids) == len(set(ids))
    assert {each.film_id for each in queued if not each.sampled} == risky
    assert all(film.sample_value < share for film in films if film.film_id in set(ids) - risky)


@given(candidates, st.floats(0, 1))
def test_plain_films_have_no_mark_and_are_none_of_those_always_reviewed(
    films: list[ReviewCandidate], share: float
) -> None:
    plain, by_id = plain_in_order(films, share), {film.film_id: film for film in films}
    assert not set(plain) & {each.film_id for each in build_queue(films, share) if not each.sampled}
    assert all(not by_id[film_id].marks and not by_id[film_id].had_problem for film_id in plain)
    sampled = [by_id[film_id].sample_value < share for film_id in plain]
    assert sampled == sorted(sampled, reverse=True), "those that must be reviewed come first"


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(films: list[ReviewCandidate], dice: st.DataObject) -> None:
    shuffled = list(films)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert build_queue(films, 0.1) == build_queue(shuffled, 0.1)


def test_the_sample_has_about_the_agreed_share() -> None:
    lots = [stable_random("digest", number) for number in range(4000)]
    assert 320 < sum(each < 0.1 for each in lots) < 480


@given(st.lists(st.integers(1, 10**6), unique=True, max_size=60), st.text())
def test_a_twentieth_and_at_least_one_gets_a_second_review(ids: list[int], seed: str) -> None:
    judged = [(each, f"1124-{each}") for each in ids]
    drawn = choose_second_reviews(judged, seed, 0.05)
    assert len(drawn) == -(-len(ids) // 20)
    assert set(drawn) <= set(ids)
    assert drawn == choose_second_reviews(judged[::-1], seed, 0.05)


def test_another_seed_chooses_others() -> None:
    judged = [(number, f"1124-{number}") for number in range(100)]
    assert choose_second_reviews(judged, "a", 0.05) != choose_second_reviews(judged, "b", 0.05)
