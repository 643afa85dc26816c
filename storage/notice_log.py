"""Reading the outbox: which notices people got over a span of nights, every attempt, and what still waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import Session

from storage.db.models import DeliveryAttempt, Employment, Enterprise, Notice
from storage.db.upsert import in_list

# The states that a reader sees as one outcome.
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "sent": ("sent",),
    "waiting": ("due", "sending"),
    "failed": ("failed",),
    "unknown": ("unknown",),
    "expired": ("expired",),
    "cancelled": ("cancelled",),
}
Position = tuple[date, int]


@dataclass(frozen=True)
class NoticeFilter:
    """The nights from `first` through `last`; what else is None or empty does not restrict.

    `recipient` is a part of the name. An enterprise stands for its people and its work group.
    """

    first: date
    last: date
    recipient: str = ""
    enterprise: Enterprise | None = None
    kind: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class WaitingRoute:
    """What waits on one route: how many notices, and since when the oldest is due."""

    channel: str
    recipient_name: str
    count: int
    since: datetime


class NoticeLog:
    def __init__(self, session: Session) -> None:
        self.session = session

    def page(self, wanted: NoticeFilter, before: Position | None, limit: int) -> Sequence[Notice]:
        """The latest notices before a position (night and id of the last one shown), the latest first."""
        query = select(Notice).where(*_conditions(wanted))
        if wanted.outcome:
            query = query.where(Notice.state.in_(OUTCOMES[wanted.outcome]))
        if before is not None:
            query = query.where(Notice.night <= before[0], tuple_(Notice.night, Notice.id) < before)
        return self.session.scalars(query.order_by(Notice.night.desc(), Notice.id.desc()).limit(limit)).all()

    def counts(self, wanted: NoticeFilter) -> dict[str, int]:
        """How many notices have each outcome but `sent`, whatever outcome the filter names: those are few."""
        not_sent = [state for outcome, states in OUTCOMES.items() if outcome != "sent" for state in states]
        counted = select(Notice.state, func.count()).where(Notice.state.in_(not_sent), *_conditions(wanted))
        by_state = {state: count for state, count in self.session.execute(counted.group_by(Notice.state))}
        return {
            outcome: sum(by_state.get(state, 0) for state in states)
            for outcome, states in OUTCOMES.items()
            if outcome != "sent"
        }

    def latest_to(self, people: Iterable[int], since: date, limit: int = 100) -> Sequence[Notice]:
        """The notices to these people for the nights since then, the latest first."""
        notices = select(Notice).where(Notice.person_id.in_(list(people)), Notice.night >= since)
        return self.session.scalars(notices.order_by(Notice.due_at.desc(), Notice.id.desc()).limit(limit)).all()

    def reminders(self, night: date) -> Sequence[Notice]:
        """The messages of the reminder waves of a night, in order."""
        waves = select(Notice).where(Notice.night == night, Notice.kind == "reminder", Notice.check_name == "reminder")
        return self.session.scalars(waves.order_by(Notice.id)).all()

    def attempts(self, notices: Iterable[int]) -> dict[int, list[DeliveryAttempt]]:
        """Notice id -> its attempts, in order."""
        found: dict[int, list[DeliveryAttempt]] = defaultdict(list)
        query = select(DeliveryAttempt).where(in_list(self.session, DeliveryAttempt.notice_id, notices))
        for attempt in self.session.scalars(query.order_by(DeliveryAttempt.id)):
            found[attempt.notice_id].append(attempt)
        return found

    def waiting(self, now: datetime) -> list[WaitingRoute]:
        """The routes with notices that are due and not sent, the longest wait first."""
        query = (
            select(Notice.channel, func.min(Notice.recipient_name), func.count(), func.min(Notice.due_at))
            .where(Notice.state.in_(OUTCOMES["waiting"]), Notice.due_at <= now)
            .group_by(Notice.route, Notice.channel)
            .order_by(func.min(Notice.due_at))
        )
        return [WaitingRoute(*row) for row in self.session.execute(query)]

    def counts_by_state(self) -> dict[str, int]:
        """How many notices are in each state."""
        rows = self.session.execute(select(Notice.state, func.count()).group_by(Notice.state))
        return {state: count for state, count in rows}


def _conditions(wanted: NoticeFilter) -> list[ColumnElement[bool]]:
    """All but the outcome."""
    conditions = [Notice.night >= wanted.first, Notice.night <= wanted.last]
    if wanted.recipient:
        conditions.append(Notice.recipient_name.contains(wanted.recipient, autoescape=True))
    if wanted.kind:
        conditions.append(Notice.kind == wanted.kind)
    if wanted.enterprise is not None:
        people = select(Employment.person_id).where(Employment.enterprise_id == wanted.enterprise.id)
        conditions.append(or_(Notice.person_id.in_(people), Notice.group_id == wanted.enterprise.group_id))
    return conditions
