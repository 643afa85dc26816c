"""Counting hazards: those that existed in a period, and what decides how they stood at its end.

Void hazards count nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, Hazard, HazardAttempt, HazardExtension, HazardMove, KeyPart
from storage.db.upsert import in_list
from storage.hazard_terms import ACCEPTED, GRANTED, INCOMPLETE, OPEN_STATES, RECTIFYING, VOID


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

    # Development over time: of these enterprises, None = of all.

    def found_by_day(self, since: date, enterprise_ids: frozenset[int] | None) -> Sequence[Any]:
        """Date of the finding, and number of hazards."""
        return self._numbers((Hazard.found_on,), enterprise_ids, Hazard.found_on >= since)

    def found_by_kind(self, since: date, enterprise_ids: frozenset[int] | None) -> Sequence[Any]:
        return self._numbers((Hazard.kind,), enterprise_ids, Hazard.found_on >= since)

    def found_by_part(self, since: date, enterprise_ids: frozenset[int] | None) -> Sequence[Any]:
        """Enterprise id, part id, and number of hazards."""
        return self._numbers((Hazard.enterprise_id, Hazard.part_id), enterprise_ids, Hazard.found_on >= since)

    def repeats(self, since: date, enterprise_ids: frozenset[int] | None) -> Sequence[Any]:
        """Enterprise id, part id, kind, and number of the hazards that were found again."""
        columns = (Hazard.enterprise_id, Hazard.part_id, Hazard.kind)
        return self._numbers(columns, enterprise_ids, Hazard.found_on >= since, Hazard.repeat_of.is_not(None))

    def open_by_day(self, enterprise_ids: frozenset[int] | None) -> Sequence[Any]:
        """Date of the finding, and number of the hazards that are open."""
        return self._numbers((Hazard.found_on,), enterprise_ids, Hazard.state.in_(OPEN_STATES))

    def accepted_since(self, since: datetime, enterprise_ids: frozenset[int] | None) -> Sequence[datetime]:
        """When each hazard was accepted."""
        accepted = select(Hazard.closed_at).where(Hazard.state == ACCEPTED, Hazard.closed_at >= since)
        return [at for at in self.session.scalars(accepted.where(*self._among(enterprise_ids))) if at is not None]

    def _numbers(self, columns: tuple[Any, ...], enterprise_ids: frozenset[int] | None, *where: Any) -> Sequence[Any]:
        query = select(*columns, func.count()).where(Hazard.state != VOID, *where, *self._among(enterprise_ids))
        return self.session.execute(query.group_by(*columns)).all()

    def _among(self, enterprise_ids: frozenset[int] | None) -> list[ColumnElement[bool]]:
        return [] if enterprise_ids is None else [in_list(self.session, Hazard.enterprise_id, sorted(enterprise_ids))]


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
