"""Objections of enterprises to entries of a night, and the office's answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, Objection

_MAX_OF_ENTERPRISE = 50


class ObjectionStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, enterprise_id: int, night: date, person_id: int, text: str, now: datetime) -> Objection:
        objection = Objection(enterprise_id=enterprise_id, night=night, raised_by=person_id, raised_at=now, text=text)
        self.session.add(objection)
        self.session.flush()
        return objection

    def get(self, objection_id: int) -> Objection | None:
        return self.session.get(Objection, objection_id)

    def answer(self, objection_id: int, person_id: int, answer: str, now: datetime) -> bool:
        """Store the answer; False when it was answered before."""
        answered = self.session.execute(
            update(Objection)
            .where(Objection.id == objection_id, Objection.answered_at.is_(None))
            .values(answered_by=person_id, answered_at=now, answer=answer)
            .returning(Objection.id)
        ).first()
        self.session.expire_all()
        return answered is not None

    def of_enterprise(self, enterprise_id: int) -> Sequence[Objection]:
        """The latest objections of an enterprise, the latest first."""
        query = select(Objection).where(Objection.enterprise_id == enterprise_id)
        return self.session.scalars(query.order_by(Objection.id.desc()).limit(_MAX_OF_ENTERPRISE)).all()

    def unanswered(self) -> Sequence[tuple[Objection, Enterprise]]:
        """The unanswered objections, the oldest first."""
        query = select(Objection, Enterprise).join(Enterprise, Enterprise.id == Objection.enterprise_id)
        rows = self.session.execute(query.where(Objection.answered_at.is_(None)).order_by(Objection.id))
        return [(objection, enterprise) for objection, enterprise in rows]
