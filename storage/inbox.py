"""The inbox: the raw messages as received, each stored once, and how far each has been handled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.database import WRITE_TIMEOUT_S, Database
from storage.db.models import InboxRow, ReceivedText, Submission
from storage.db.upsert import insert_all_if_absent, insert_if_absent_statement
from storage.priority import Priority

_COLUMNS = "channel, message_key, id"
# States of a message that is not finished: to be handled, or handled and its media to be fetched.
WAITING, FETCHING = "waiting", "fetching"
UNFINISHED = (WAITING, FETCHING)


@dataclass(frozen=True)
class SourceNotification:
    """A platform holds messages for the poll source of this name; `token` allows more frequent polls."""

    source: str
    token: str | None = None


@dataclass(frozen=True)
class InboundMessage:
    """A genuine message or callback: its channel, the dedupe key there, and its decrypted content.

    With a `notification` it is not stored in the inbox, only counted at the poll cursor of the source.
    """

    channel: str
    key: str
    raw: str
    notification: SourceNotification | None = None
    priority: Priority = Priority.ORDINARY


def store_messages(
    session: Session, messages: Iterable[InboundMessage], received_at: datetime
) -> dict[tuple[str, str], int]:
    """Store messages within a transaction; the ids of those not stored before, by channel and key."""
    return _ids_by_key(insert_all_if_absent(session, InboxRow, _rows(messages, received_at), _COLUMNS))


def store_messages_autocommit(
    database: Database, messages: Iterable[InboundMessage], received_at: datetime, timeout_s: float = WRITE_TIMEOUT_S
) -> dict[tuple[str, str], int]:
    """The same in one statement of its own: this is the busiest path. Raises DatabaseUnavailable."""
    rows = _rows(messages, received_at)
    statement, params = insert_if_absent_statement(database.engine.dialect, InboxRow, rows, _COLUMNS)
    return _ids_by_key(database.execute_autocommit(statement, params, timeout_s))


def _rows(messages: Iterable[InboundMessage], received_at: datetime) -> list[dict[str, Any]]:
    """In the order of their keys, so that two processes that insert the same messages do not deadlock."""
    initial = {"received_at": received_at, "state": WAITING, "attempts": 0, "dispatched": False}
    ordered = sorted(messages, key=lambda message: (message.channel, message.key))
    return [
        {"channel": each.channel, "message_key": each.key, "raw": each.raw, "priority": each.priority, **initial}
        for each in ordered
    ]


def _ids_by_key(rows: Iterable[Any]) -> dict[tuple[str, str], int]:
    return {(channel, key): inbox_id for channel, key, inbox_id in rows}


class InboxStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, inbox_id: int) -> InboxRow | None:
        """The row with that id."""
        return self.session.get(InboxRow, inbox_id)

    def claim_undispatched(self, limit: int) -> Sequence[InboxRow]:
        """Mark messages that have no job yet as dispatched, by priority and then the oldest first."""
        waiting = select(InboxRow).where(~InboxRow.dispatched).order_by(InboxRow.priority, InboxRow.id).limit(limit)
        rows = self.session.scalars(waiting.with_for_update(skip_locked=True)).all()
        for row in rows:
            row.dispatched = True
        return rows

    def has_undispatched(self) -> bool:
        """Whether any message has no job yet."""
        return self.session.scalar(select(InboxRow.id).where(~InboxRow.dispatched).limit(1)) is not None

    def finish(self, inbox_id: int, state: str, detail: str | None = None, redacted_raw: str | None = None) -> None:
        """Mark a message `done` or `failed`, with a detail for the operator; `redacted_raw` replaces its content."""
        values = {"state": state, "detail": detail, "retry_at": None}
        if redacted_raw is not None:
            values["raw"] = redacted_raw
        self.session.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(**values))

    def start_fetching(self, inbox_id: int) -> InboxRow:
        """Record that a message is handled, and its media are to be fetched; its row."""
        row = self.session.get_one(InboxRow, inbox_id)
        row.state, row.attempts, row.retry_at = FETCHING, 0, None
        return row

    def schedule_retry(self, inbox_id: int, retry_at: datetime, detail: str | None) -> None:
        """Count a failed attempt and set when (wall clock) the next is due."""
        self.session.execute(
            update(InboxRow)
            .where(InboxRow.id == inbox_id)
            .values(attempts=InboxRow.attempts + 1, retry_at=retry_at, detail=detail)
        )

    def orphaned(self, received_before: datetime, retry_before: datetime, limit: int = 200) -> list[InboxRow]:
        """Dispatched messages that are unfinished although their job should have ended."""
        return list(
            self.session.scalars(
                select(InboxRow)
                .where(
                    InboxRow.state.in_(UNFINISHED),
                    InboxRow.dispatched,
                    InboxRow.received_at <= received_before,
                    or_(InboxRow.retry_at.is_(None), InboxRow.retry_at <= retry_before),
                )
                .order_by(InboxRow.received_at)
                .limit(limit)
            )
        )

    def retry_now(self, wall_now: datetime) -> Sequence[InboxRow]:
        """Make every message that waits for its next attempt due now."""
        waiting = update(InboxRow).where(InboxRow.state.in_(UNFINISHED), InboxRow.retry_at.is_not(None))
        return self.session.scalars(waiting.values(retry_at=wall_now).returning(InboxRow)).all()

    def failing(self, min_attempts: int, limit: int = 50) -> Sequence[InboxRow]:
        """Unfinished messages with at least so many failed attempts, oldest first."""
        query = select(InboxRow).where(InboxRow.state.in_(UNFINISHED), InboxRow.attempts >= min_attempts)
        return self.session.scalars(query.order_by(InboxRow.id).limit(limit)).all()

    def has_unattempted(self) -> bool:
        """Whether any message waits for its first attempt."""
        query = select(InboxRow.id).where(InboxRow.state.in_(UNFINISHED), InboxRow.attempts == 0).limit(1)
        return self.session.scalar(query) is not None

    def sending_times(self, since: datetime, limit: int) -> list[tuple[datetime, datetime]]:
        """When the latest films and texts were sent by the platform's clock, and when received by the service's."""
        of_films = select(Submission.sent_at, Submission.received_at, Submission.inbox_id).where(
            Submission.received_at >= since
        )
        of_texts = (
            select(ReceivedText.sent_at, InboxRow.received_at, ReceivedText.inbox_id)
            .join(InboxRow, InboxRow.id == ReceivedText.inbox_id)
            .where(InboxRow.received_at >= since)
        )
        found = [
            row
            for query, key in ((of_films, Submission.id), (of_texts, ReceivedText.id))
            for row in self.session.execute(query.order_by(key.desc()).limit(limit))
        ]
        return [(row[0], row[1]) for row in sorted(found, key=lambda row: -row[2])[:limit]]

    def backlog(self) -> tuple[int, datetime | None]:
        """How many messages are unfinished, and when the oldest was received."""
        row = self.session.execute(
            select(func.count(), func.min(InboxRow.received_at)).where(InboxRow.state.in_(UNFINISHED))
        ).one()
        return row[0], row[1]
