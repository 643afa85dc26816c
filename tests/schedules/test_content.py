"""The item that a group gets today: planned before seasonal before old, and never twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.content import choose_item
from storage.db.models import ContentItem

TODAY = date(2026, 11, 24)


def item(number: int, planned: int | None, tags: list[str], age: int) -> ContentItem:
    """An item of the library."""
    added_at = datetime(2026, 11, 1, tzinfo=UTC) - timedelta(days=age)
    planned_for = None if planned is None else TODAY + timedelta(days=planned)
    return ContentItem(id=number, title=str(number), kind="链接", planned_for=planned_for, tags=tags, added_at=added_at)


libraries = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.lists(st.sampled_from(["春", "冬季", "高温", "消防"]), max_size=2),
        st.integers(0, 9),
    ),
    max_size=8,
).map(lambda rows: [item(number, *row) for number, row in enumerate(rows)])


@given(libraries, st.sets(st.integers(0, 8)))
def test_the_chosen_item_was_not_sent_before_and_is_not_planned_for_later(
    library: list[ContentItem], had: set[int]
) -> None:
    found = choose_item(library, had, TODAY)
    if found is not None:
        assert found.id not in had
        assert found.planned_for is None or found.planned_for <= TODAY


@given(libraries)
def test_a_group_gets_every_suitable_item_once(library: list[ContentItem]) -> None:
    had: list[int] = []
    while (found := choose_item(library, set(had), TODAY)) is not None:
        had.append(found.id)
    assert len(had) == len(set(had))
    assert {each.id for each in library if each.planned_for and each.planned_for <= TODAY} <= set(had)
    planned = [each.id for each in library if each.planned_for == TODAY]
    assert set(had[: len(planned)]) == set(planned)


@given(libraries, st.randoms())
def test_the_order_of_the_library_does_not_matter(library: list[ContentItem], random: object) -> None:
    shuffled = list(library)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose_item(library, set(), TODAY) is choose_item(shuffled, set(), TODAY)
