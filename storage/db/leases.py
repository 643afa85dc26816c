"""A connection that one process at a time may hold, by a lease that dies with its holder, and errands for him."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Lease, RpcCall
from storage.facts import insert_if_absent


class LeaseStore:
    """Leases and errands; every instant is of the wall clock."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def acquire(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Hold it from now on, or go on holding it; False while somebody else does, or while it shall rest."""
        insert_if_absent(self.session, Lease, {"name": name})
        taken = self.session.execute(
            update(Lease)
            .where(
                Lease.name == name,
                or_(Lease.holder == holder, Lease.expires_at.is_(None), Lease.expires_at <= now),
                or_(Lease.backoff_until.is_(None), Lease.backoff_until <= now),
            )
            .values(holder=holder, expires_at=now + duration)
            .returning(Lease.name)
        ).first()
        return taken is not None

    def release(self, name: str, holder: str) -> None:
        """Hold it no longer; whoever has it meanwhile keeps it."""
        self._own(name, holder, {"holder": None, "expires_at": None})

    def back_off(self, name: str, holder: str, until: datetime) -> bool:
        """Let nobody take it before an instant; False when it was no longer this holder's to say so."""
        return self._own(name, holder, {"holder": None, "expires_at": None, "backoff_until": until})

    def _own(self, name: str, holder: str, values: dict[str, Any]) -> bool:
        query = update(Lease).where(Lease.name == name, Lease.holder == holder).values(**values).returning(Lease.name)
        return self.session.execute(query).first() is not None

    def held_until(self, name: str) -> datetime | None:
        """Until when somebody is known to hold it."""
        return self.session.scalar(select(Lease.expires_at).where(Lease.name == name))

    def add_call(self, lease_name: str, request: dict[str, Any], now: datetime) -> int:
        """Leave an errand for whoever holds it; its id."""
        errand = RpcCall(lease_name=lease_name, request=request, requested_at=now, state="waiting")
        self.session.add(errand)
        self.session.flush()
        return errand.id

    def has_pending_calls(self, lease_name: str) -> bool:
        """Whether any errand waits."""
        query = select(RpcCall.id).where(RpcCall.lease_name == lease_name, RpcCall.state == "waiting").limit(1)
        return self.session.scalar(query) is not None

    def claim_calls(self, lease_name: str, limit: int) -> Sequence[Any]:
        """Errands that nobody else carries out from now on, the oldest first: id and what is asked."""
        waiting = (
            select(RpcCall.id).where(RpcCall.lease_name == lease_name, RpcCall.state == "waiting").order_by(RpcCall.id)
        )
        ids = self.session.scalars(waiting.limit(limit)).all()
        query = update(RpcCall).where(RpcCall.id.in_(ids), RpcCall.state == "waiting").values(state="taken")
        return sorted(self.session.execute(query.returning(RpcCall.id, RpcCall.request)).all())

    def save_response(self, call_id: int, response: dict[str, Any]) -> None:
        """What came of an errand."""
        self.session.execute(update(RpcCall).where(RpcCall.id == call_id).values(state="done", response=response))

    def get_response(self, call_id: int) -> dict[str, Any] | None:
        """What came of an errand, None while nothing has."""
        return self.session.scalar(select(RpcCall.response).where(RpcCall.id == call_id))

    def cancel_call(self, call_id: int) -> bool:
        """Take an errand back; False when somebody is already about it."""
        query = update(RpcCall).where(RpcCall.id == call_id, RpcCall.state == "waiting").values(state="withdrawn")
        return self.session.execute(query.returning(RpcCall.id)).first() is not None

    def delete_calls(self, requested_before: datetime) -> None:
        """Errands are over in seconds; nobody needs them afterwards."""
        self.session.execute(delete(RpcCall).where(RpcCall.requested_at < requested_before))
