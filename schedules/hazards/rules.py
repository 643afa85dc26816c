"""What a hazard still lacks, its proposed deadline, and when it is overdue. Pure; dates are in the county's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Protocol

from storage.hazard_terms import AWAITING_ACCEPTANCE, MAJOR, ON_THE_SPOT, PLAN_HEADINGS, RECTIFYING

# The four lists (事项, 责任, 措施, 时限) and where the hazard is.
REQUIRED_FIELDS = ("part_id", "matter", "responsible", "measure", "deadline")
# How a missing field is called towards the outside.
_NAMES = {"part_id": "part"}
# Days to rectify a general hazard, by its kind.
_DAYS = {
    "safety": 7,
    "process": 7,
    "electrical": 5,
    "instrument": 7,
    "fire": 3,
    "layout": 30,
    "equipment": 10,
    "other": 7,
}
_DAYS_OF_MAJOR = 30


class HazardLike(Protocol):
    """The fields that the rules read."""

    @property
    def level(self) -> str: ...
    @property
    def criterion(self) -> str | None: ...
    @property
    def state(self) -> str: ...
    @property
    def deadline(self) -> date | None: ...
    @property
    def submitted_on(self) -> date | None: ...
    @property
    def plan(self) -> Mapping[str, Any] | None: ...
    @property
    def repeat_of(self) -> str | None: ...
    @property
    def cause(self) -> str | None: ...


def lacks(hazard: HazardLike) -> list[str]:
    """The names of what must be filled in before a hazard can be in rectification."""
    missing = [_NAMES.get(name, name) for name in REQUIRED_FIELDS if getattr(hazard, name) is None]
    if hazard.level == MAJOR and hazard.criterion is None:
        missing.append("criterion")
    return missing


def plan_lacks(hazard: HazardLike) -> list[str]:
    """The headings that the rectification plan of a major hazard lacks."""
    plan = hazard.plan or {}
    return [heading for heading in PLAN_HEADINGS if not plan.get(heading)] if hazard.level == MAJOR else []


def needs_cause(hazard: HazardLike) -> bool:
    """Whether a hazard that was found again lacks the analysis of its cause."""
    return hazard.repeat_of is not None and not hazard.cause


def proposed_deadline(kind: str, level: str, treatment: str, today: date) -> date:
    """The deadline that is proposed for a new hazard; what is put right on the spot is due on the same day."""
    if treatment == ON_THE_SPOT:
        return today
    return today + timedelta(days=_DAYS_OF_MAJOR if level == MAJOR else _DAYS[kind])


def is_overdue(hazard: HazardLike, today: date) -> bool:
    """Whether a hazard was not, or was not in time, reported as put right: the day of the deadline is in time.

    The time that the acceptance takes does not make it overdue.
    """
    if hazard.state not in (RECTIFYING, AWAITING_ACCEPTANCE) or hazard.deadline is None:
        return False
    return deadline_missed(hazard.deadline, hazard.submitted_on, today)


def deadline_missed(deadline: date, submitted_on: date | None, today: date) -> bool:
    """`submitted_on`: when it was reported as put right, None if it was not."""
    return deadline < (submitted_on or today)
