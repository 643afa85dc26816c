"""Queries over many nights for the weekly and yearly reports. `first` and `last` are both included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import Session

from storage.db.models import ClosedNight, ContentItem, ContentPush, Decision, Enterprise, GroupChat, Notice, Submission


def judgement_rows(
    session: Session, first: date, last: date, enterprises: frozenset[int] | None = None
) -> Sequence[Any]:
    """The columns that judging needs, of the films of these nights, of these enterprises (None = of all).

    Includes films whose enterprise is not known yet: they may belong to any.
    """
    belongs = (
        true()
        if enterprises is None
        else or_(Submission.enterprise_id.in_(enterprises), Submission.enterprise_id.is_(None))
    )
    return session.execute(
        select(
            Submission.id,
            Submission.night,
            Submission.enterprise_id,
            Submission.part_id,
            Submission.sent_at,
            Submission.state,
            Submission.attribution,
            Submission.person_id,
            Submission.kind,
        ).where(Submission.night >= first, Submission.night <= last, belongs)
    ).all()


def closed_nights(session: Session, first: date, last: date) -> dict[date, dict[str, Any]]:
    """Night -> what was expected of it when it closed."""
    rows = session.execute(
        select(ClosedNight.night, ClosedNight.expected).where(ClosedNight.night >= first, ClosedNight.night <= last)
    )
    return {night: expected for night, expected in rows}


def film_times(session: Session, enterprise_id: int, first: date, last: date) -> dict[date, tuple[datetime, datetime]]:
    """Night -> when the first and the last filed film of an enterprise were sent."""
    rows = session.execute(
        select(Submission.night, func.min(Submission.sent_at), func.max(Submission.sent_at))
        .where(Submission.enterprise_id == enterprise_id, Submission.night >= first, Submission.night <= last)
        .where(Submission.state == "filed", Submission.kind == "film")
        .group_by(Submission.night)
    )
    return {night: (first_sent_at, last_sent_at) for night, first_sent_at, last_sent_at in rows}


def filed_film_totals(session: Session, first: date, last: date) -> Sequence[Any]:
    """Night, enterprise id, and count, bytes and seconds of its filed films."""
    return session.execute(
        select(
            Submission.night,
            Submission.enterprise_id,
            func.count().label("films"),
            func.coalesce(func.sum(Submission.bytes), 0).label("bytes"),
            func.coalesce(func.sum(Submission.duration_s), 0).label("seconds"),
        )
        .where(
            Submission.night >= first, Submission.night <= last, Submission.state == "filed", Submission.kind == "film"
        )
        .group_by(Submission.night, Submission.enterprise_id)
        .order_by(Submission.night, Submission.enterprise_id)
    ).all()


def reminders_sent(session: Session, first: date, last: date) -> dict[date, int]:
    """Night -> number of reminders sent."""
    rows = session.execute(
        select(Notice.night, func.count())
        .where(Notice.night >= first, Notice.night <= last, Notice.kind == "reminder", Notice.state == "sent")
        .group_by(Notice.night)
    )
    return {night: number for night, number in rows}


def notice_counts(session: Session, night: date, due_by: datetime) -> dict[tuple[str, str], int]:
    """(kind, state) -> number of notices of a night that were due by an instant."""
    rows = session.execute(
        select(Notice.kind, Notice.state, func.count())
        .where(Notice.night == night, Notice.due_at <= due_by)
        .group_by(Notice.kind, Notice.state)
    )
    return {(kind, state): number for kind, state, number in rows}


def decided_otherwise(session: Session, keys: Sequence[str], outcome: str) -> set[str]:
    """The keys with a decision other than `outcome`."""
    query = select(Decision.key).where(Decision.key.in_(keys), Decision.outcome != outcome)
    return set(session.scalars(query))


def sent_pushes(session: Session, first: date, last: date) -> Sequence[Any]:
    """Day, group, kind, title and URL of every push sent, by day."""
    return session.execute(
        select(ContentPush.day, GroupChat.name.label("group"), ContentItem.kind, ContentItem.title, ContentItem.url)
        .join(ContentItem, ContentItem.id == ContentPush.item_id)
        .join(GroupChat, GroupChat.id == ContentPush.group_id)
        .join(Notice, Notice.id == ContentPush.notice_id)
        .where(ContentPush.day >= first, ContentPush.day <= last, Notice.state == "sent")
        .order_by(ContentPush.day, ContentPush.group_id, ContentItem.id)
    ).all()


def enterprise_codes_and_names(session: Session) -> dict[int, tuple[str, str]]:
    """Enterprise id -> code and full name, deregistered ones included."""
    rows = session.execute(select(Enterprise.id, Enterprise.code, Enterprise.name))
    return {enterprise_id: (code, name) for enterprise_id, code, name in rows}
