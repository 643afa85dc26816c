"""What is known of reaching accounts: when they last spoke, for how long we may answer, whether they have gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class Contact(Base):
    """One account on one channel, by the route of its notices."""

    __tablename__ = "contact"
    route: Mapped[str] = mapped_column(primary_key=True)
    last_received_at: Mapped[datetime | None]
    # What the platform lets us say since: until when, and how many messages.
    reply_until: Mapped[datetime | None]
    reply_quota: Mapped[int | None]
    # Left, unfollowed, blocked us: until it is heard of again.
    left_at: Mapped[datetime | None]
    # The last time the platform would not deliver to it, unless something has arrived since.
    undeliverable_at: Mapped[datetime | None]
