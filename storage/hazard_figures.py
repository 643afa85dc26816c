"""Counting hazards: those that existed in a period, and what decides how they stood at its end.

Void hazards count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, Hazard, HazardAttempt, HazardExtension, HazardMove, KeyPart
from storage.hazard_terms import GRANTED, INCOMPLETE, RECTIFYING, VOID


class HazardFigureStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def of_period(self, first: date, last: date, since: datetime, *, with_open: bool) -> Sequence[Any]:
        """The columns of the hazards found by `last` and not closed before `since`, the beginning of `first`.

        Without `with_open`, those are left out that are only open: not found since `first`, not extended since, and
        with their deadline before them.
        """
        query = select(*_COLUMNS).join(Enterprise, Enterprise.id == Hazard.enterprise_id)
        query = query.outerjoin(KeyPart, KeyPart.id == Hazard.part_id).where(
            Hazard.state != VOID,
            Hazard.found_on <= last,
            or_(Hazard.found_on >= first, Hazard.closed_at.is_(None), Hazard.closed_at >= since),
        )
        if not with_open:
            extended = select(HazardExtension.hazard_number).where(
                HazardExtension.state == GRANTED, HazardExtension.decided_at >= since
            )
            missed = Hazard.first_deadline < last
            query = query.where(
                or_(Hazard.found_on >= first, Hazard.closed_at >= since, missed, Hazard.number.in_(extended))
            )
        return self.session.execute(query.order_by(Hazard.year, Hazard.ordinal)).all()

    def extensions_granted(self, since: datetime) -> Sequence[Any]:
        """Number, instant of the decision and deadline before it, of the extensions granted since then, in order."""
        columns = (HazardExtension.hazard_number, HazardExtension.decided_at, HazardExtension.old_deadline)
        granted = select(*columns).where(HazardExtension.state == GRANTED, HazardExtension.decided_at >= since)
        return self.session.execute(granted.order_by(HazardExtension.decided_at, HazardExtension.id)).all()

    def awaiting_at(self, instant: datetime) -> dict[str, tuple[datetime, str | None]]:
        """Number -> when it was reported as put right, and the verdict that came later, of those that awaited it."""
        columns = (HazardAttempt.hazard_number, HazardAttempt.submitted_at, HazardAttempt.verdict)
        awaiting = select(*columns).where(
            HazardAttempt.submitted_at < instant,
            or_(HazardAttempt.verdict_at.is_(None), HazardAttempt.verdict_at >= instant),
        )
        return {number: (submitted_at, verdict) for number, submitted_at, verdict in self.session.execute(awaiting)}

    def completed_since(self, instant: datetime) -> set[str]:
        """The numbers of the hazards that entered rectification for the first time since then."""
        first_moves = select(HazardMove.hazard_number).where(
            HazardMove.to_state == RECTIFYING,
            func.coalesce(HazardMove.from_state, INCOMPLETE) == INCOMPLETE,
            HazardMove.at >= instant,
        )
        return set(self.session.scalars(first_moves))


_COLUMNS = (
    Hazard.number,
    Enterprise.code,
    Enterprise.name.label("enterprise"),
    KeyPart.number.label("part_number"),
    KeyPart.name.label("part_name"),
    *(Hazard.matter, Hazard.level, Hazard.kind, Hazard.source, Hazard.found_at, Hazard.found_on, Hazard.found_by),
    *(Hazard.measure, Hazard.responsible, Hazard.deadline, Hazard.cost_yuan, Hazard.plan, Hazard.repeat_of),
    *(Hazard.supervised_by, Hazard.supervisor, Hazard.remarks, Hazard.state, Hazard.submitted_on, Hazard.closed_at),
)
