"""One access token for all processes: whoever wins the lease fetches, the others wait for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Token
from storage.facts import insert_once


class TokenStore:
    """Access tokens with their lives; leases run on the wall clock, lives on the service's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def valid(self, name: str, now: datetime) -> str | None:
        """The token, if it is alive at `now`."""
        row = self.session.execute(select(Token.value, Token.expires_at).where(Token.name == name)).first()
        if row is None or row.value is None or row.expires_at is None or row.expires_at <= now:
            return None
        return str(row.value)

    def lease(self, name: str, dead: str | None, now: datetime, wall_now: datetime, patience: timedelta) -> bool:
        """True for the one process that shall fetch a new token now.

        `dead` is a token the platform has just refused: it is replaced even if its life is not over.
        """
        insert_once(self.session, Token, {"name": name})
        won = self.session.execute(
            update(Token)
            .where(
                Token.name == name,
                or_(Token.lease_until.is_(None), Token.lease_until <= wall_now),
                or_(Token.value.is_(None), Token.expires_at.is_(None), Token.expires_at <= now, Token.value == dead),
            )
            .values(lease_until=wall_now + patience)
            .returning(Token.name)
        ).first()
        return won is not None

    def keep(self, name: str, value: str, expires_at: datetime) -> None:
        """Put the fetched token in place and give the lease back."""
        self.session.execute(
            update(Token).where(Token.name == name).values(value=value, expires_at=expires_at, lease_until=None)
        )

    def give_up(self, name: str) -> None:
        """Give the lease back without a token."""
        self.session.execute(update(Token).where(Token.name == name).values(lease_until=None))
