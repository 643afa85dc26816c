"""Whether and until when each account can be reached."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class Contact(Base):
    """One account on one channel, named by its route."""

    __tablename__ = "contact"
    route: Mapped[str] = mapped_column(primary_key=True)
    last_received_at: Mapped[datetime | None]
    # The reply window: its end, and how many messages the platform accepts in it.
    reply_until: Mapped[datetime | None]
    reply_quota: Mapped[int | None]
    # Left, unfollowed or blocked us; None again after the next message.
    left_at: Mapped[datetime | None]
    # The last refusal to deliver; None again after a successful delivery.
    undeliverable_at: Mapped[datetime | None]
