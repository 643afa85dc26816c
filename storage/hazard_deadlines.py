"""The hazards that people are reminded of, with as many queries for many as for few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardExtension
from storage.db.upsert import in_list, in_rows
from storage.hazard_terms import AWAITING_ACCEPTANCE, GRANTED, INCOMPLETE, RECTIFYING

# So many days before the deadline people are reminded.
DAYS_BEFORE = (3, 1)
# Of a longer time than a year, half is not announced.
_MAX_HALF = 183


@dataclass(frozen=True)
class DueHazard:
    """A hazard to remind of; an incomplete one may have no matter and no deadline yet.

    `interim` is the protection during its extension, if that was asked for.
    """

    number: str
    enterprise_id: int
    responsible_id: int | None
    part_id: int | None
    level: str
    state: str
    matter: str | None
    deadline: date | None
    interim: str = ""


@dataclass(frozen=True)
class DueGroup:
    """Due hazards in one state for which the same people are in charge: how many, and the earliest deadline."""

    enterprise_id: int
    responsible_id: int | None
    part_id: int | None
    level: str
    state: str
    count: int
    earliest: date | None


class HazardDeadlineStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def due(self, today: date, enterprise_ids: Iterable[int] | None = None) -> list[DueHazard]:
        """Those (of these enterprises) that are overdue, due today or soon, at half of their time, or incomplete since
        yesterday; the earliest deadline first, those without one last."""
        among = self._among(enterprise_ids)
        queries = [select(*_COLUMNS).where(condition, *among) for condition in self._due(today)]
        rows: list[Any] = [row for query in queries for row in self.session.execute(query)]
        return sorted((DueHazard(*row) for row in rows), key=lambda each: (each.deadline or date.max, each.number))

    def due_groups(self, today: date) -> list[DueGroup]:
        """What `due` finds, by what decides who is in charge; the same may stand in two groups."""
        grouped = select(*_CHARGE, func.count(), func.min(Hazard.deadline)).group_by(*_CHARGE)
        rows: list[Any] = [row for each in self._due(today) for row in self.session.execute(grouped.where(each))]
        return [DueGroup(*row) for row in rows]

    def protected(self, enterprise_ids: Iterable[int] | None = None) -> list[DueHazard]:
        """Those open with a granted extension (of these enterprises), with its interim measure."""
        query = select(*_COLUMNS, HazardExtension.interim).join(
            HazardExtension, HazardExtension.hazard_number == Hazard.number
        )
        query = query.where(HazardExtension.state == GRANTED, Hazard.state.in_((RECTIFYING, AWAITING_ACCEPTANCE)))
        rows: Iterable[Any] = self.session.execute(
            query.where(*self._among(enterprise_ids)).order_by(
                Hazard.deadline, Hazard.year, Hazard.ordinal, HazardExtension.id
            )
        )
        # The measure of the last extension holds.
        return list({row[0]: DueHazard(*row) for row in rows}.values())

    def _due(self, today: date) -> list[ColumnElement[bool]]:
        """The conditions of which each due hazard fulfils one."""
        soon = [today + timedelta(days=days) for days in DAYS_BEFORE]
        # The first of these is implied by the others, and is the one that the index can use.
        near = Hazard.deadline <= max(soon), or_(Hazard.deadline <= today, Hazard.deadline.in_(soon))
        at_half = in_rows(self.session, (Hazard.found_on, Hazard.deadline), _half_times(today))
        return [
            and_(Hazard.state == RECTIFYING, *near),
            and_(Hazard.state == RECTIFYING, at_half),
            and_(Hazard.state == INCOMPLETE, Hazard.found_on < today),
        ]

    def _among(self, enterprise_ids: Iterable[int] | None) -> list[ColumnElement[bool]]:
        return [] if enterprise_ids is None else [in_list(self.session, Hazard.enterprise_id, enterprise_ids)]


_CHARGE = (Hazard.enterprise_id, Hazard.responsible_id, Hazard.part_id, Hazard.level, Hazard.state)
_COLUMNS = (Hazard.number, *_CHARGE, Hazard.matter, Hazard.deadline)


def _half_times(today: date) -> list[tuple[date, date]]:
    """The dates of finding and deadline between which half of the days are over today, other reminders not near."""
    periods = range(max(DAYS_BEFORE) + 1, _MAX_HALF + 1)
    pairs = [(days, left) for days in periods for left in (days, days + 1)]
    return [(today - timedelta(days=days), today + timedelta(days=left)) for days, left in pairs]
