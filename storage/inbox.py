"""Received and not yet handled: the raw messages, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.orm import Session

from storage.models import Inbox
from storage.records import insert_row_once


def keep(connection: Connection, channel: str, message_key: str, raw: str, received_at: datetime) -> int | None:
    """Keep a message; its id, or None when it was kept before. Over a bare connection: this is the busiest path."""
    values = {"channel": channel, "message_key": message_key, "raw": raw, "received_at": received_at}
    return insert_row_once(connection, Inbox, {**values, "state": "waiting", "attempts": 0, "dispatched": False})


class InboxStore:
    """The messages as received, and how far each has come."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, inbox_id: int) -> Inbox | None:
        """The message of that id."""
        return self.session.get(Inbox, inbox_id)

    def dispatch(self, limit: int) -> Sequence[Any]:
        """Mark the oldest messages whose jobs the engine does not have yet as handed to it; their ids and channels."""
        fresh = select(Inbox.id, Inbox.channel).where(~Inbox.dispatched).order_by(Inbox.id).limit(limit)
        found = self.session.execute(fresh.with_for_update(skip_locked=True)).all()
        if found:
            ids = [row.id for row in found]
            self.session.execute(update(Inbox).where(Inbox.id.in_(ids)).values(dispatched=True))
        return found

    def undispatched(self) -> bool:
        """Whether there are messages whose jobs the engine does not have yet."""
        return self.session.scalar(select(Inbox.id).where(~Inbox.dispatched).limit(1)) is not None

    def settle(self, inbox_id: int, state: str, detail: str | None = None, kept: str | None = None) -> None:
        """Mark a message `done` or `failed`, with a detail for the operator and what is kept of its content."""
        values = {"state": state, "detail": detail, "retry_at": None, **({"raw": kept} if kept is not None else {})}
        self.session.execute(update(Inbox).where(Inbox.id == inbox_id).values(**values))

    def postpone(self, inbox_id: int, retry_at: datetime, detail: str | None) -> None:
        """Count one more try and say when (wall clock) the next is due."""
        self.session.execute(
            update(Inbox)
            .where(Inbox.id == inbox_id)
            .values(attempts=Inbox.attempts + 1, retry_at=retry_at, detail=detail)
        )

    def overdue(self, received_before: datetime, retry_before: datetime, limit: int = 200) -> list[Inbox]:
        """Waiting messages that the engine once had and that nothing seems to be working on any more."""
        return list(
            self.session.scalars(
                select(Inbox)
                .where(
                    Inbox.state == "waiting",
                    Inbox.dispatched,
                    Inbox.received_at <= received_before,
                    or_(Inbox.retry_at.is_(None), Inbox.retry_at <= retry_before),
                )
                .order_by(Inbox.received_at)
                .limit(limit)
            )
        )

    def due_again(self, wall_now: datetime) -> Sequence[int]:
        """Let every message that waits for its next try have it now; their ids."""
        waiting = update(Inbox).where(Inbox.state == "waiting", Inbox.retry_at.is_not(None))
        return self.session.scalars(waiting.values(retry_at=wall_now).returning(Inbox.id)).all()

    def untouched(self) -> bool:
        """Whether messages wait that nobody has even tried to handle yet."""
        untried = select(Inbox.id).where(Inbox.state == "waiting", Inbox.attempts == 0).limit(1)
        return self.session.scalar(untried) is not None

    def waiting(self) -> tuple[int, datetime | None]:
        """How many messages wait, and since when the oldest does."""
        row = self.session.execute(
            select(func.count(), func.min(Inbox.received_at)).where(Inbox.state == "waiting")
        ).one()
        return row[0], row[1]
