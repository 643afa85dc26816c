"""Invitations: one-time codes that bind an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from storage.db.models import Invitation, Person

_MAX_OPEN = 200


class InvitationStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def by_code(self, code: str) -> Invitation | None:
        return self.session.get(Invitation, code)

    def unused(self) -> Sequence[Invitation]:
        """Unused invitations of people who have not left, the oldest first."""
        query = select(Invitation).join(Person, Person.id == Invitation.person_id, isouter=True)
        query = query.where(Invitation.used_at.is_(None), or_(Person.id.is_(None), Person.active))
        query = query.order_by(Invitation.created_at, Invitation.code)
        return self.session.scalars(query.limit(_MAX_OPEN)).all()

    def redate(self, created_at: datetime) -> None:
        """Date every unused invitation `created_at`; the time until it expires stays the same."""
        for invitation in self.session.scalars(select(Invitation).where(Invitation.used_at.is_(None))):
            invitation.expires_at += created_at - invitation.created_at
            invitation.created_at = created_at
