"""Numbers about the service itself, for those who watch it: each by an index, however many years are kept."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import AccessToken, InboxRow, Submission

_STATES = ("waiting", "done", "failed")


def messages_by_state(session: Session, since: datetime) -> dict[str, int]:
    """How many of the messages acknowledged since an instant stand in each state."""
    wanted = select(InboxRow.state, func.count()).where(InboxRow.state.in_(_STATES), InboxRow.received_at >= since)
    return dict.fromkeys(_STATES, 0) | {
        state: number for state, number in session.execute(wanted.group_by(InboxRow.state))
    }


def submissions_by_state(session: Session, night: date) -> dict[str, int]:
    """How many films of a night stand in each state."""
    wanted = select(Submission.state, func.count()).where(Submission.night == night)
    return {state: number for state, number in session.execute(wanted.group_by(Submission.state))}


def token_expiries(session: Session) -> dict[str, datetime]:
    """Until when each access token lives, by its name."""
    wanted = select(AccessToken.name, AccessToken.expires_at).where(
        AccessToken.value.is_not(None), AccessToken.expires_at.is_not(None)
    )
    return {name: until for name, until in session.execute(wanted) if until is not None}
