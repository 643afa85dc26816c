"""Who holds a connection that only one process may hold, and what the others ask of him."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Lease(Base):
    """Something that one process at a time may hold. Instants of the wall clock."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    until: Mapped[datetime | None]
    # Nobody takes it before: the platform has given the connection to somebody else.
    quiet_until: Mapped[datetime | None]


class Errand(Base):
    """One frame that another process shall say over the connection it holds, and what was answered."""

    __tablename__ = "errand"
    __table_args__ = (
        Index("errand_waiting", "name", "state", "id"),
        CheckConstraint("state in ('waiting','taken','done','withdrawn')", name="errand_state"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    asked: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="waiting")
    asked_at: Mapped[datetime]
    answer: Mapped[dict[str, Any] | None]
