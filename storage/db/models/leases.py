"""Leases of connections that only one process may hold, and calls from other processes to the lease holder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Lease(Base):
    """Held by one process at a time. Instants of the wall clock."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    # No process acquires it earlier: the platform has given the connection to another client.
    backoff_until: Mapped[datetime | None]


class RpcCall(Base):
    """A frame for the lease holder to send over its connection, and the response."""

    __tablename__ = "rpc_call"
    __table_args__ = (
        Index("rpc_call_pending", "lease_name", "state", "id"),
        CheckConstraint("state in ('pending','claimed','done','cancelled')", name="rpc_call_state"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    lease_name: Mapped[str]
    request: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="pending")
    requested_at: Mapped[datetime]
    response: Mapped[dict[str, Any] | None]
