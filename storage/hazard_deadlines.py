"""The hazards that people are reminded of, with as many queries for many as for few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardExtension
from storage.db.upsert import in_list
from storage.hazard_terms import AWAITING_ACCEPTANCE, GRANTED, RECTIFYING

# So many days before the deadline people are reminded.
DAYS_BEFORE = (3, 1)
# Of a longer time than a year, half is not announced.
_MAX_HALF = 183


@dataclass(frozen=True)
class DueHazard:
    """A hazard to remind of; `interim` is the protection during its extension, if that was asked for."""

    number: str
    enterprise_id: int
    responsible_id: int | None
    part_id: int | None
    level: str
    matter: str
    deadline: date
    interim: str = ""


class HazardDeadlineStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def due(self, today: date, numbers: Sequence[str] | None = None) -> list[DueHazard]:
        """Those in rectification, or those of them with these numbers, that are overdue, due today or soon, or at half
        of their time; the earliest deadline first."""
        soon = [today + timedelta(days=days) for days in DAYS_BEFORE]
        due = select(*_COLUMNS).where(
            Hazard.state == RECTIFYING, or_(Hazard.deadline <= today, Hazard.deadline.in_(soon))
        )
        half = select(*_COLUMNS).where(Hazard.state == RECTIFYING, _HALF_TIME.in_(_half_times(today)))
        if numbers is not None:
            among = in_list(self.session, Hazard.number, numbers)
            due, half = due.where(among), half.where(among)
        rows: list[Any] = [*self.session.execute(due), *self.session.execute(half)]
        return sorted((DueHazard(*row) for row in rows), key=lambda each: (each.deadline, each.number))

    def protected(self, numbers: Sequence[str] | None = None) -> list[DueHazard]:
        """Those open with a granted extension, or those of them with these numbers, with its interim measure."""
        query = select(*_COLUMNS, HazardExtension.interim).join(
            HazardExtension, HazardExtension.hazard_number == Hazard.number
        )
        query = query.where(HazardExtension.state == GRANTED, Hazard.state.in_((RECTIFYING, AWAITING_ACCEPTANCE)))
        if numbers is not None:
            query = query.where(in_list(self.session, Hazard.number, numbers))
        rows: Iterable[Any] = self.session.execute(
            query.order_by(Hazard.deadline, Hazard.year, Hazard.ordinal, HazardExtension.id)
        )
        # The measure of the last extension holds.
        return list({row[0]: DueHazard(*row) for row in rows}.values())


_COLUMNS = (
    Hazard.number,
    Hazard.enterprise_id,
    Hazard.responsible_id,
    Hazard.part_id,
    Hazard.level,
    Hazard.matter,
    Hazard.deadline,
)
_HALF_TIME = tuple_(Hazard.found_on, Hazard.deadline)


def _half_times(today: date) -> list[tuple[date, date]]:
    """The dates of finding and deadline between which half of the days are over today, other reminders not near."""
    periods = range(max(DAYS_BEFORE) + 1, _MAX_HALF + 1)
    pairs = [(days, left) for days in periods for left in (days, days + 1)]
    return [(today - timedelta(days=days), today + timedelta(days=left)) for days, left in pairs]
