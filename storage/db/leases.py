"""Leases that other processes can see and that expire with their holder, and calls for the holder to make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Lease, RpcCall
from storage.db.upsert import insert_if_absent


class LeaseStore:
    """Leases and calls; every instant is of the wall clock."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def acquire(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Take or renew the lease; False while another holds it, or until its backoff is over."""
        insert_if_absent(self.session, Lease, {"name": name})
        acquired = self.session.execute(
            update(Lease)
            .where(
                Lease.name == name,
                or_(Lease.holder == holder, Lease.expires_at.is_(None), Lease.expires_at <= now),
                or_(Lease.backoff_until.is_(None), Lease.backoff_until <= now),
            )
            .values(holder=holder, expires_at=now + duration)
            .returning(Lease.name)
        ).first()
        return acquired is not None

    def release(self, name: str, holder: str) -> None:
        """Free the lease unless another holds it by now."""
        self._update_own(name, holder, {"holder": None, "expires_at": None})

    def back_off(self, name: str, holder: str, until: datetime) -> bool:
        """Release the lease and block it until an instant; False when another process holds it by now."""
        return self._update_own(name, holder, {"holder": None, "expires_at": None, "backoff_until": until})

    def _update_own(self, name: str, holder: str, values: dict[str, Any]) -> bool:
        query = update(Lease).where(Lease.name == name, Lease.holder == holder).values(**values).returning(Lease.name)
        return self.session.execute(query).first() is not None

    def held_until(self, name: str) -> datetime | None:
        """When the current holder's lease expires, None while it is free."""
        return self.session.scalar(select(Lease.expires_at).where(Lease.name == name))

    def add_call(self, lease_name: str, request: dict[str, Any], now: datetime) -> int:
        """Add a call for the holder of the lease to make; its id."""
        call = RpcCall(lease_name=lease_name, request=request, requested_at=now, state="pending")
        self.session.add(call)
        self.session.flush()
        return call.id

    def has_pending_calls(self, lease_name: str) -> bool:
        """Whether any call waits."""
        query = select(RpcCall.id).where(RpcCall.lease_name == lease_name, RpcCall.state == "pending").limit(1)
        return self.session.scalar(query) is not None

    def claim_calls(self, lease_name: str, limit: int) -> Sequence[Any]:
        """Take the oldest waiting calls, so that no other process makes them: id and request."""
        waiting = (
            select(RpcCall.id).where(RpcCall.lease_name == lease_name, RpcCall.state == "pending").order_by(RpcCall.id)
        )
        ids = self.session.scalars(waiting.limit(limit)).all()
        query = update(RpcCall).where(RpcCall.id.in_(ids), RpcCall.state == "pending").values(state="claimed")
        return sorted(self.session.execute(query.returning(RpcCall.id, RpcCall.request)).all())

    def save_response(self, call_id: int, response: dict[str, Any]) -> None:
        """Store the response to a call."""
        self.session.execute(update(RpcCall).where(RpcCall.id == call_id).values(state="done", response=response))

    def get_response(self, call_id: int) -> dict[str, Any] | None:
        """The response to a call, None while there is none."""
        return self.session.scalar(select(RpcCall.response).where(RpcCall.id == call_id))

    def cancel_call(self, call_id: int) -> bool:
        """Cancel a waiting call; False when the holder has already taken it."""
        query = update(RpcCall).where(RpcCall.id == call_id, RpcCall.state == "pending").values(state="cancelled")
        return self.session.execute(query.returning(RpcCall.id)).first() is not None

    def delete_calls(self, requested_before: datetime) -> None:
        """Delete old calls: each is over in seconds and is not needed afterwards."""
        self.session.execute(delete(RpcCall).where(RpcCall.requested_at < requested_before))
