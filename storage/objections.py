"""What enterprises object to, and how it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, Objection


class ObjectionStore:
    """Objections by enterprise and night."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, enterprise_id: int, night: date, person_id: int, text: str, now: datetime) -> Objection:
        """Write one down."""
        made = Objection(enterprise_id=enterprise_id, night=night, raised_by=person_id, raised_at=now, text=text)
        self.session.add(made)
        self.session.flush()
        return made

    def get(self, objection_id: int) -> Objection | None:
        """The objection of that id."""
        return self.session.get(Objection, objection_id)

    def answer(self, objection_id: int, person_id: int, answer: str, now: datetime) -> bool:
        """Answer one, once; False when it had been answered before."""
        done = self.session.execute(
            update(Objection)
            .where(Objection.id == objection_id, Objection.answered_at.is_(None))
            .values(answered_by=person_id, answered_at=now, answer=answer)
            .returning(Objection.id)
        ).first()
        self.session.expire_all()
        return done is not None

    def of_enterprise(self, enterprise_id: int, limit: int = 50) -> Sequence[Objection]:
        """An enterprise's objections, the latest first."""
        query = select(Objection).where(Objection.enterprise_id == enterprise_id)
        return self.session.scalars(query.order_by(Objection.id.desc()).limit(limit)).all()

    def unanswered(self) -> Sequence[tuple[Objection, Enterprise]]:
        """What nobody has answered yet, the oldest first."""
        query = select(Objection, Enterprise).join(Enterprise, Enterprise.id == Objection.enterprise_id)
        rows = self.session.execute(query.where(Objection.answered_at.is_(None)).order_by(Objection.id))
        return [(objection, enterprise) for objection, enterprise in rows]
