"""Counts for the metrics page. Each query uses an index, so its cost does not grow with the years stored."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import AccessToken, InboxRow, Submission

_STATES = ("waiting", "fetching", "done", "failed")


def messages_by_state(session: Session, since: datetime) -> dict[str, int]:
    """State -> number of messages received since an instant; every state has a key."""
    query = select(InboxRow.state, func.count()).where(InboxRow.state.in_(_STATES), InboxRow.received_at >= since)
    counts = session.execute(query.group_by(InboxRow.state))
    return dict.fromkeys(_STATES, 0) | {state: count for state, count in counts}


def submissions_by_state(session: Session, night: date) -> dict[str, int]:
    query = select(Submission.state, func.count()).where(Submission.night == night)
    return {state: count for state, count in session.execute(query.group_by(Submission.state))}


def token_expiries(session: Session) -> dict[str, datetime]:
    """Token name -> expiry."""
    query = select(AccessToken.name, AccessToken.expires_at).where(
        AccessToken.value.is_not(None), AccessToken.expires_at.is_not(None)
    )
    return {name: until for name, until in session.execute(query) if until is not None}
