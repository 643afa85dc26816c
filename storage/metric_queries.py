"""Numbers about the service itself, for those who watch it: each by an index, however many years are kept."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import Inbox, Submission, Token

_STATES = ("waiting", "done", "failed")


def messages(session: Session, since: datetime) -> dict[str, int]:
    """How many of the messages acknowledged since an instant stand in each state."""
    wanted = select(Inbox.state, func.count()).where(Inbox.state.in_(_STATES), Inbox.received_at >= since)
    return dict.fromkeys(_STATES, 0) | {
        state: number for state, number in session.execute(wanted.group_by(Inbox.state))
    }


def submissions(session: Session, night: date) -> dict[str, int]:
    """How many films of a night stand in each state."""
    wanted = select(Submission.state, func.count()).where(Submission.night == night)
    return {state: number for state, number in session.execute(wanted.group_by(Submission.state))}


def tokens(session: Session) -> dict[str, datetime]:
    """Until when each access token lives, by its name."""
    wanted = select(Token.name, Token.expires_at).where(Token.value.is_not(None), Token.expires_at.is_not(None))
    return {name: until for name, until in session.execute(wanted) if until is not None}
