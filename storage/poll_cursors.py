"""Cursors of the sources to poll: platforms that only notify us and hold the messages until they are fetched.

Notifications are counted, so that one that arrives during a poll is not taken for handled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, TextClause, bindparam, or_, select, text, update
from sqlalchemy.orm import Session

from storage.db.models import PollCursor
from storage.db.upsert import insert_if_absent


def record_notification(connection: Connection, name: str, token: str | None, now: datetime) -> None:
    """Count a notification and store its token. Uses a bare connection, as `inbox.store_message` does."""
    connection.execute(_count_notification(), {"name": name, "token": token, "at": now if token else None})


@cache
def _count_notification() -> TextClause:
    statement = (
        "insert into poll_cursor"
        " (name, cursor, notification_count, handled_count, token, token_received_at, has_more, failures)"
        " values (:name, '', 1, 0, :token, :at, :no, 0) on conflict (name)"
        " do update set notification_count = poll_cursor.notification_count + 1,"
        " token = coalesce(excluded.token, poll_cursor.token),"
        " token_received_at = coalesce(excluded.token_received_at, poll_cursor.token_received_at)"
    )
    at, no = PollCursor.__table__.c.token_received_at.type, PollCursor.__table__.c.has_more.type
    return text(statement).bindparams(bindparam("at", type_=at), bindparam("no", False, type_=no))


class PollCursorStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, name: str) -> PollCursor | None:
        """The cursor, reloaded from the database."""
        return self.session.get(PollCursor, name, populate_existing=True)

    def set_active(self, names: Collection[str]) -> None:
        """Poll these sources from now on, starting at once; pending work of all others is dropped."""
        for name in names:
            insert_if_absent(
                self.session,
                PollCursor,
                {
                    "name": name,
                    "cursor": "",
                    "notification_count": 0,
                    "handled_count": 0,
                    "has_more": True,
                    "failures": 0,
                },
            )
        self.session.execute(update(PollCursor).where(PollCursor.name.in_(names)).values(has_more=True, polled_at=None))
        inactive = update(PollCursor).where(PollCursor.name.not_in(names))
        self.session.execute(
            inactive.values(handled_count=PollCursor.notification_count, has_more=False, failures=0, failing_since=None)
        )

    def advance(
        self, previous: PollCursor, cursor: str, *, has_more: bool, now: datetime, not_before: datetime | None = None
    ) -> bool:
        """Move the cursor on from `previous`; False when another process has moved it meanwhile."""
        handled = previous.handled_count if has_more else previous.notification_count
        moved = self.session.execute(
            update(PollCursor)
            .where(PollCursor.name == previous.name, PollCursor.cursor == previous.cursor)
            .values(
                cursor=cursor,
                has_more=has_more,
                handled_count=handled,
                polled_at=now,
                failures=0,
                failing_since=None,
                retry_at=not_before,
                detail=None,
            )
            .returning(PollCursor.name)
        ).first()
        return moved is not None

    def record_failure(self, name: str, now: datetime, retry_at: datetime, detail: str) -> int:
        """Record a failed poll; the number of failures in a row."""
        source = self.session.get_one(PollCursor, name, populate_existing=True)
        source.failures += 1
        source.failing_since = source.failing_since or now
        source.polled_at, source.retry_at, source.detail = now, retry_at, detail
        self.session.flush()
        return source.failures

    def clear_token(self, name: str, token: str | None, now: datetime) -> None:
        """Delete a token that the platform has refused, unless a newer notification has replaced it."""
        stale = update(PollCursor).where(PollCursor.name == name, PollCursor.token == token)
        self.session.execute(stale.values(token=None, token_received_at=None, polled_at=now))

    def has_pending(self) -> bool:
        """Whether a source has messages that we have not fetched."""
        pending = (
            select(PollCursor.name)
            .where(or_(PollCursor.notification_count > PollCursor.handled_count, PollCursor.has_more))
            .limit(1)
        )
        return self.session.scalar(pending) is not None

    def failing(self) -> Sequence[PollCursor]:
        """The sources whose last poll failed."""
        return self.session.scalars(select(PollCursor).where(PollCursor.failures > 0).order_by(PollCursor.name)).all()
