"""Which text belongs to which film, independent of the order in which they arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handlers.pairing import MAX_GAP, PairingItem, pair_films_with_texts

START = datetime(2026, 11, 24, tzinfo=UTC)


def said(events: list[tuple[int, bool]]) -> list[PairingItem]:
    """Films (True) and words at these seconds; ids count from 1, an equal second is settled by the order given."""
    return [
        PairingItem(START + timedelta(seconds=at), number, number, is_film)
        for number, (at, is_film) in enumerate(events, 1)
    ]


evenings = st.lists(st.tuples(st.integers(0, 3600), st.booleans()), max_size=10).map(said)


@given(evenings, st.randoms())
def test_the_order_of_arrival_does_not_matter(events: list[PairingItem], random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pair_films_with_texts(events) == pair_films_with_texts(shuffled)


@given(evenings)
def test_a_text_is_paired_with_one_film_at_most_within_ten_minutes(events: list[PairingItem]) -> None:
    by_id = {event.id: event for event in events}
    pairs = pair_films_with_texts(events)
    assert len(set(pairs.values())) == len(pairs)
    for film, word in pairs.items():
        assert by_id[film].is_film
        assert not by_id[word].is_film
        assert abs(by_id[film].sent_at - by_id[word].sent_at) <= MAX_GAP


@given(st.lists(st.integers(0, 10**6), max_size=6), st.booleans())
def test_alternating_texts_and_films_are_paired_in_turn(gaps: list[int], word_first: bool) -> None:
    """A patroller who always names the part before the film, or always after it, is understood."""
    events: list[tuple[int, bool]] = []
    for turn, _ in enumerate(gaps):
        events += [(turn * 700, not word_first), (turn * 700 + 20, word_first)]
    pairs = pair_films_with_texts(said(events))
    assert {abs(film - word) for film, word in pairs.items()} <= {1}
    assert len(pairs) == len(gaps)


def test_texts_after_several_films_go_to_them_in_order() -> None:
    assert pair_films_with_texts(said([(0, True), (0, True), (1, True), (60, False), (70, False), (80, False)])) == {
        1: 4,
        2: 5,
        3: 6,
    }


def test_the_last_of_several_texts_before_a_film_counts() -> None:
    assert pair_films_with_texts(said([(0, False), (10, False), (20, True)])) == {3: 2}


def test_a_text_ten_minutes_before_is_paired_and_one_a_second_earlier_is_not() -> None:
    assert pair_films_with_texts(said([(0, False), (600, True)])) == {2: 1}
    assert pair_films_with_texts(said([(0, False), (601, True)])) == {}
    assert pair_films_with_texts(said([(0, True), (600, False)])) == {1: 2}
    assert pair_films_with_texts(said([(0, True), (601, False)])) == {}
