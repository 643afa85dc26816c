"""Access tokens shared by all processes: the holder of a token's lease fetches it, the others wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import AccessToken
from storage.db.upsert import insert_if_absent


class AccessTokenStore:
    """Leases are instants of the wall clock, `expires_at` of the service's clock."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_valid(self, name: str, now: datetime) -> str | None:
        """The token, None when there is none or it has expired."""
        row = self.session.execute(
            select(AccessToken.value, AccessToken.expires_at).where(AccessToken.name == name)
        ).first()
        if row is None or row.value is None or row.expires_at is None or row.expires_at <= now:
            return None
        return str(row.value)

    def acquire_lease(
        self, name: str, rejected: str | None, now: datetime, wall_now: datetime, duration: timedelta
    ) -> bool:
        """True for the one process that must fetch a new token now.

        `rejected` is a token that the platform has just refused; it is replaced although it has not expired.
        """
        insert_if_absent(self.session, AccessToken, {"name": name})
        acquired = self.session.execute(
            update(AccessToken)
            .where(
                AccessToken.name == name,
                or_(AccessToken.lease_until.is_(None), AccessToken.lease_until <= wall_now),
                or_(
                    AccessToken.value.is_(None),
                    AccessToken.expires_at.is_(None),
                    AccessToken.expires_at <= now,
                    AccessToken.value == rejected,
                ),
            )
            .values(lease_until=wall_now + duration)
            .returning(AccessToken.name)
        ).first()
        return acquired is not None

    def save(self, name: str, value: str, expires_at: datetime) -> None:
        """Store the fetched token and release the lease."""
        self.session.execute(
            update(AccessToken)
            .where(AccessToken.name == name)
            .values(value=value, expires_at=expires_at, lease_until=None)
        )

    def release_lease(self, name: str) -> None:
        """Release the lease without storing a token."""
        self.session.execute(update(AccessToken).where(AccessToken.name == name).values(lease_until=None))
