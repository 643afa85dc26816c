"""Cursors of the sources to poll."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class PollCursor(Base):
    """A source that holds messages until they are fetched. Instants of the service's clock."""

    __tablename__ = "poll_cursor"
    __table_args__ = (CheckConstraint("handled_count <= notification_count", name="poll_cursor_handled_not_ahead"),)
    name: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    # Notifications received, and how many of them came before the last complete poll.
    notification_count: Mapped[int] = mapped_column(default=0)
    handled_count: Mapped[int] = mapped_column(default=0)
    token: Mapped[str | None]
    token_received_at: Mapped[datetime | None]
    # According to the last response.
    has_more: Mapped[bool] = mapped_column(default=False)
    polled_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    detail: Mapped[str | None]
