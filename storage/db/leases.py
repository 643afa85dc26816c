"""A connection that one process at a time may hold, by a lease that dies with its holder, and errands for him."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Errand, Lease
from storage.facts import insert_once


class LeaseStore:
    """Leases and errands; every instant is of the wall clock."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def take(self, name: str, holder: str, now: datetime, life: timedelta) -> bool:
        """Hold it from now on, or go on holding it; False while somebody else does, or while it shall rest."""
        insert_once(self.session, Lease, {"name": name})
        taken = self.session.execute(
            update(Lease)
            .where(
                Lease.name == name,
                or_(Lease.holder == holder, Lease.until.is_(None), Lease.until <= now),
                or_(Lease.quiet_until.is_(None), Lease.quiet_until <= now),
            )
            .values(holder=holder, until=now + life)
            .returning(Lease.name)
        ).first()
        return taken is not None

    def release(self, name: str, holder: str) -> None:
        """Hold it no longer; whoever has it meanwhile keeps it."""
        self._own(name, holder, {"holder": None, "until": None})

    def rest(self, name: str, holder: str, until: datetime) -> bool:
        """Let nobody take it before an instant; False when it was no longer this holder's to say so."""
        return self._own(name, holder, {"holder": None, "until": None, "quiet_until": until})

    def _own(self, name: str, holder: str, values: dict[str, Any]) -> bool:
        query = update(Lease).where(Lease.name == name, Lease.holder == holder).values(**values).returning(Lease.name)
        return self.session.execute(query).first() is not None

    def held_until(self, name: str) -> datetime | None:
        """Until when somebody is known to hold it."""
        return self.session.scalar(select(Lease.until).where(Lease.name == name))

    def ask(self, name: str, asked: dict[str, Any], now: datetime) -> int:
        """Leave an errand for whoever holds it; its id."""
        errand = Errand(name=name, asked=asked, asked_at=now, state="waiting")
        self.session.add(errand)
        self.session.flush()
        return errand.id

    def waiting(self, name: str) -> bool:
        """Whether any errand waits."""
        query = select(Errand.id).where(Errand.name == name, Errand.state == "waiting").limit(1)
        return self.session.scalar(query) is not None

    def take_errands(self, name: str, limit: int) -> Sequence[Any]:
        """Errands that nobody else carries out from now on, the oldest first: id and what is asked."""
        waiting = select(Errand.id).where(Errand.name == name, Errand.state == "waiting").order_by(Errand.id)
        ids = self.session.scalars(waiting.limit(limit)).all()
        query = update(Errand).where(Errand.id.in_(ids), Errand.state == "waiting").values(state="taken")
        return sorted(self.session.execute(query.returning(Errand.id, Errand.asked)).all())

    def answer(self, errand_id: int, answer: dict[str, Any]) -> None:
        """What came of an errand."""
        self.session.execute(update(Errand).where(Errand.id == errand_id).values(state="done", answer=answer))

    def answer_to(self, errand_id: int) -> dict[str, Any] | None:
        """What came of an errand, None while nothing has."""
        return self.session.scalar(select(Errand.answer).where(Errand.id == errand_id))

    def withdraw(self, errand_id: int) -> bool:
        """Take an errand back; False when somebody is already about it."""
        query = update(Errand).where(Errand.id == errand_id, Errand.state == "waiting").values(state="withdrawn")
        return self.session.execute(query.returning(Errand.id)).first() is not None

    def forget(self, asked_before: datetime) -> None:
        """Errands are over in seconds; nobody needs them afterwards."""
        self.session.execute(delete(Errand).where(Errand.asked_at < asked_before))
