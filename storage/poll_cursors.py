"""The sources: platforms that ring a bell and keep the messages until they are fetched.

A bell only counts up, so that one that rings while we are asking is not taken for answered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, TextClause, bindparam, or_, select, text, update
from sqlalchemy.orm import Session

from storage.db.models import Source
from storage.facts import insert_once


def ring(connection: Connection, name: str, token: str | None, now: datetime) -> None:
    """A bell rang; it is on record until the source has been asked. Over a bare connection, like `inbox.keep`."""
    connection.execute(_ringing(), {"name": name, "token": token, "at": now if token else None})


@cache
def _ringing() -> TextClause:
    words = (
        "insert into source (name, cursor, rung, answered, token, token_at, unfinished, failures)"
        " values (:name, '', 1, 0, :token, :at, :no, 0) on conflict (name) do update set rung = source.rung + 1,"
        " token = coalesce(excluded.token, source.token), token_at = coalesce(excluded.token_at, source.token_at)"
    )
    at, no = Source.__table__.c.token_at.type, Source.__table__.c.unfinished.type
    return text(words).bindparams(bindparam("at", type_=at), bindparam("no", False, type_=no))


class SourceStore:
    """How far each source has been fetched."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, name: str) -> Source | None:
        """The source of that name, as it stands now."""
        return self.session.get(Source, name, populate_existing=True)

    def begin(self, names: Collection[str]) -> None:
        """These are asked from now on, and have not been for a while; what others still owed is dropped."""
        for name in names:
            insert_once(self.session, Source, {
                "name": name, "cursor": "", "rung": 0, "answered": 0, "unfinished": True, "failures": 0,
            })  # fmt: skip
        self.session.execute(update(Source).where(Source.name.in_(names)).values(unfinished=True, asked_at=None))
        off = update(Source).where(Source.name.not_in(names))
        self.session.execute(off.values(answered=Source.rung, unfinished=False, failures=0, failing_since=None))

    def advance(
        self, seen: Source, cursor: str, *, unfinished: bool, now: datetime, not_before: datetime | None = None
    ) -> bool:
        """Go on from where `seen` stood; False when somebody else has gone on from there meanwhile."""
        answered = seen.answered if unfinished else seen.rung
        moved = self.session.execute(
            update(Source)
            .where(Source.name == seen.name, Source.cursor == seen.cursor)
            .values(
                cursor=cursor, unfinished=unfinished, answered=answered, asked_at=now, failures=0, failing_since=None,
                retry_at=not_before, detail=None,
            )
            .returning(Source.name)
        ).first()  # fmt: skip
        return moved is not None

    def failed(self, name: str, now: datetime, retry_at: datetime, detail: str) -> int:
        """It could not be asked; the number of failures in a row."""
        source = self.session.get_one(Source, name, populate_existing=True)
        source.failures += 1
        source.failing_since = source.failing_since or now
        source.asked_at, source.retry_at, source.detail = now, retry_at, detail
        self.session.flush()
        return source.failures

    def forget_token(self, name: str, token: str | None, now: datetime) -> None:
        """A bell's token is no longer good; a newer bell's may be."""
        stale = update(Source).where(Source.name == name, Source.token == token)
        self.session.execute(stale.values(token=None, token_at=None, asked_at=now))

    def behind(self) -> bool:
        """Whether a source is known to have more than we have fetched."""
        owed = select(Source.name).where(or_(Source.rung > Source.answered, Source.unfinished)).limit(1)
        return self.session.scalar(owed) is not None

    def failing(self) -> Sequence[Source]:
        """The sources that cannot be asked at present."""
        return self.session.scalars(select(Source).where(Source.failures > 0).order_by(Source.name)).all()
