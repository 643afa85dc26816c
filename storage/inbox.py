"""Received and not yet handled: the raw messages, each kept once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.database import PATIENCE_S, Database
from storage.db.models import Inbox
from storage.facts import insert_all_once, inserting_once

Said = tuple[str, str, str]
"""A message by its channel, its key there, and its raw content."""
_COLUMNS = "channel, message_key, id"


def keep(session: Session, said: Iterable[Said], received_at: datetime) -> dict[tuple[str, str], int]:
    """Keep messages with what else the transaction holds; the ids of those not kept before."""
    return _kept(insert_all_once(session, Inbox, _rows(said, received_at), _COLUMNS))


def keep_at_once(
    database: Database, said: Iterable[Said], received_at: datetime, patience_s: float = PATIENCE_S
) -> dict[tuple[str, str], int]:
    """The same by itself, with a single statement: this is the busiest path. Raises DatabaseAway."""
    words, values = inserting_once(database.engine.dialect, Inbox, _rows(said, received_at), _COLUMNS)
    return _kept(database.at_once(words, values, patience_s))


def _rows(said: Iterable[Said], received_at: datetime) -> list[dict[str, Any]]:
    """In the order of their keys, so that two processes that are told the same do not wait for each other crosswise."""
    fresh = {"received_at": received_at, "state": "waiting", "attempts": 0, "dispatched": False}
    return [{"channel": channel, "message_key": key, "raw": raw, **fresh} for channel, key, raw in sorted(said)]


def _kept(rows: Iterable[Any]) -> dict[tuple[str, str], int]:
    return {(channel, key): inbox_id for channel, key, inbox_id in rows}


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

    def stuck(self, tries: int, limit: int = 50) -> Sequence[Inbox]:
        """Messages that were tried so often and still wait, the oldest first."""
        query = select(Inbox).where(Inbox.state == "waiting", Inbox.attempts >= tries)
        return self.session.scalars(query.order_by(Inbox.id).limit(limit)).all()

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
