"""A date as people write it: 2026-12-20, 12月20日, 12-20, 20日. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_PATTERNS = (
    re.compile(r"(?<!\d)(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})(?!\d)[日号]?"),
    re.compile(r"(?<!\d)(?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})(?!\d)[日号]?"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})[日号]"),
)
# A day of this year that is longer ago means the next year.
_LONG_AGO = timedelta(days=180)


@dataclass(frozen=True)
class FoundDate:
    """A date, and the text without it."""

    day: date
    rest: str


def find_date(text: str, today: date) -> FoundDate | None:
    """The first date in a text; what is left out is that of `today`, or the next to come."""
    for pattern in _PATTERNS:
        if match := pattern.search(text):
            day = _date_of(match.groupdict(), today)
            return FoundDate(day, f"{text[: match.start()]} {text[match.end() :]}".strip()) if day else None
    return None


def _date_of(numbers: dict[str, str], today: date) -> date | None:
    given = {name: int(value) for name, value in numbers.items()}
    try:
        day = date(given.get("year", today.year), given.get("month", today.month), given["day"])
        if "year" not in given and "month" in given and today - day > _LONG_AGO:
            return day.replace(year=day.year + 1)
        if "month" not in given and day < today:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=day.day)
    except ValueError:
        return None
    return day
