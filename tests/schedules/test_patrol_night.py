"""Which night an instant belongs to: every instant to exactly one, wherever the county lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.patrol_night import night_instant, night_of, shift_day, shift_day_of_night, submission_window
from schedules.rules import RuleBook

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = [
    ZoneInfo(name)
    for name in ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
]
MINUTE = timedelta(minutes=1)
SINCE = datetime(2015, 1, 1, tzinfo=UTC)


@dataclass
class Agreed:
    """A row of the rules sheet."""

    name: str
    value: str
    effective_from: date | None = None


EVENING = [Agreed("开始时间", "22:00"), Agreed("补报截止", "10:00")]
instants = st.integers(0, 25 * 365 * 86400).map(lambda after: SINCE + timedelta(seconds=after))
books = st.builds(RuleBook, st.sampled_from(ZONES), st.sampled_from([[], EVENING]))


@given(instants, books)
def test_an_instant_belongs_to_the_nearest_night(instant: datetime, book: RuleBook) -> None:
    night = night_of(instant, book)
    before, after = night - timedelta(days=1), night + timedelta(days=1)
    assert not submission_window(before, book).opens <= instant <= submission_window(before, book).late_until
    assert not submission_window(after, book).opens <= instant <= submission_window(after, book).late_until


@given(instants, st.timedeltas(timedelta(0), timedelta(days=3)), books)
def test_a_later_instant_never_belongs_to_an_earlier_night(instant: datetime, later: timedelta, book: RuleBook) -> None:
    assert night_of(instant, book) <= night_of(instant + later, book)


@given(instants, st.sampled_from(ZONES))
def test_the_zone_of_an_instant_does_not_matter(instant: datetime, written: ZoneInfo) -> None:
    book = RuleBook(SHANGHAI)
    assert night_of(instant, book) == night_of(instant.astimezone(written), book)
    assert shift_day(instant, book) == shift_day(instant.astimezone(written), book)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from([None, EVENING]))
def test_every_instant_of_a_window_belongs_to_its_night(night: date, agreed: list[Agreed] | None) -> None:
    book = RuleBook(SHANGHAI, agreed or [])
    span = submission_window(night, book)
    for instant in (span.opens, span.opens + MINUTE, span.closes, span.late_until):
        assert night_of(instant, book) == night


@given(st.dates(date(1992, 1, 1), date(2100, 1, 1)))
def test_a_window_is_six_hours_long(night: date) -> None:
    span = submission_window(night, RuleBook(SHANGHAI))
    assert span.closes.astimezone(UTC) - span.opens.astimezone(UTC) == timedelta(hours=6)
    assert span.opens.astimezone(UTC).hour == 16


def test_a_window_during_the_summer_time_of_china() -> None:
    """So that the tests above prove something about the zone and not about a fixed offset."""
    assert datetime(1988, 7, 1, tzinfo=SHANGHAI).utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize(
    ("instant", "night"),
    [
        ("2028-02-28T23:59:59", "2028-02-29"),
        ("2028-02-29T05:59:00", "2028-02-29"),
        ("2028-02-29T23:59:00", "2028-03-01"),
        ("2026-12-31T23:58:00", "2027-01-01"),
        ("2027-01-01T00:00:00", "2027-01-01"),
        ("2026-11-24T12:00:00", "2026-11-24"),
        ("2026-11-24T17:59:59", "2026-11-24"),
        ("2026-11-24T18:00:00", "2026-11-25"),
    ],
)
def test_instants_and_their_nights(instant: str, night: str) -> None:
    at = datetime.fromisoformat(instant).replace(tzinfo=SHANGHAI)
    assert night_of(at, RuleBook(SHANGHAI)) == date.fromisoformat(night)


@given(instants)
def test_a_later_film_is_never_less_late(instant: datetime) -> None:
    order = ["early", "on_time", "late", "supplied_afterwards"]
    span = submission_window(date(2026, 11, 24), RuleBook(SHANGHAI))
    edges = [span.opens, span.closes, span.late_until]
    found = [order.index(span.lateness(at)) for at in sorted([instant, *edges])]
    assert found == sorted(found)
    assert [span.lateness(edge) for edge in edges] == ["on_time", "on_time", "late"]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.times(), st.sampled_from([None, EVENING]))
def test_a_time_of_day_is_within_a_day_of_the_opening(
    night: date, clock_time: object, agreed: list[Agreed] | None
) -> None:
    book = RuleBook(SHANGHAI, agreed or [])
    opens = submission_window(night, book).opens
    assert opens <= night_instant(night, clock_time, book) < opens + timedelta(days=1)  # type: ignore[arg-type]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 7 * 60 + 59))
def test_the_shift_of_a_night_is_on_duty_during_it(night: date, minutes: int) -> None:
    opens = submission_window(night, RuleBook(SHANGHAI)).opens
    assert shift_day(opens + timedelta(minutes=minutes), RuleBook(SHANGHAI)) == shift_day_of_night(night)
    assert shift_day(opens + timedelta(hours=8), RuleBook(SHANGHAI)) == night
