"""Rectification requests to enterprises, and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Notice, RectificationAnswer, RectificationRequest, Submission, Verdict
from storage.db.upsert import insert_if_absent

# The text of a rectification request.
PROBLEM_TEXT_KEY = "rectification.request"

# A request closed before it was opened never reached the enterprise.
_WAS_OPENED = or_(
    RectificationRequest.closed_at.is_(None), RectificationRequest.closed_at > RectificationRequest.opened_at
)


class RectificationStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, verdict: Verdict, enterprise_id: int, opened_at: datetime) -> RectificationRequest:
        """`opened_at` is when the enterprise is told; a request closed before that never reached it."""
        request = RectificationRequest(
            verdict_id=verdict.id, submission_id=verdict.submission_id, enterprise_id=enterprise_id, opened_at=opened_at
        )
        self.session.add(request)
        self.session.flush()
        return request

    def get(self, urge_id: int) -> RectificationRequest | None:
        return self.session.get(RectificationRequest, urge_id)

    def of_verdict(self, verdict_id: int) -> RectificationRequest | None:
        """The request that a verdict led to."""
        return self.session.scalar(select(RectificationRequest).where(RectificationRequest.verdict_id == verdict_id))

    def of_film(self, submission_id: int, now: datetime) -> Sequence[RectificationRequest]:
        """Every request about a film that has been opened by now, the latest first."""
        return self.session.scalars(
            select(RectificationRequest)
            .where(RectificationRequest.submission_id == submission_id, RectificationRequest.opened_at <= now)
            .where(_WAS_OPENED)
            .order_by(RectificationRequest.id.desc())
        ).all()

    def open_of_enterprises(
        self, enterprise_ids: Iterable[int], since: datetime, now: datetime
    ) -> Sequence[tuple[RectificationRequest, Submission]]:
        """The open requests to these enterprises, opened from `since` to `now`, the latest first, with their films."""
        rows = self.session.execute(
            select(RectificationRequest, Submission)
            .join(Submission, Submission.id == RectificationRequest.submission_id)
            .where(
                RectificationRequest.enterprise_id.in_(list(enterprise_ids)),
                RectificationRequest.closed_at.is_(None),
                RectificationRequest.opened_at.between(since, now),
            )
            .order_by(RectificationRequest.opened_at.desc(), RectificationRequest.id.desc())
        ).all()
        return [(request, film) for request, film in rows]

    def counts_by_night(self, enterprise_id: int, first: date, last: date, now: datetime) -> dict[date, int]:
        """Night -> number of requests about the films of an enterprise that have been opened by now."""
        rows = self.session.execute(
            select(Submission.night, func.count())
            .join(RectificationRequest, RectificationRequest.submission_id == Submission.id)
            .where(RectificationRequest.enterprise_id == enterprise_id, RectificationRequest.opened_at <= now)
            .where(_WAS_OPENED, Submission.night >= first, Submission.night <= last)
            .group_by(Submission.night)
        )
        return {night: count for night, count in rows}

    def first_requested_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> when the first request about it was sent."""
        film_of_verdict = {
            verdict_id: (film_id, night)
            for verdict_id, film_id, night in self.session.execute(
                select(RectificationRequest.verdict_id, Submission.id, Submission.night)
                .join(Submission, Submission.id == RectificationRequest.submission_id)
                .where(RectificationRequest.submission_id.in_(list(submission_ids)))
            )
        }
        nights = {night for _, night in film_of_verdict.values()}
        sent = select(Notice.params, Notice.sent_at).where(
            Notice.night.in_(nights), Notice.text_key == PROBLEM_TEXT_KEY, Notice.sent_at.is_not(None)
        )
        first: dict[int, datetime] = {}
        for params, sent_at in self.session.execute(sent.order_by(Notice.sent_at.desc())) if film_of_verdict else ():
            if params["verdict"] in film_of_verdict:
                first[film_of_verdict[params["verdict"]][0]] = sent_at
        return first

    def first_answered_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> when the first answer to a request about it came."""
        rows = self.session.execute(
            select(RectificationRequest.submission_id, func.min(RectificationAnswer.answered_at))
            .join(RectificationAnswer, RectificationAnswer.request_id == RectificationRequest.id)
            .where(RectificationRequest.submission_id.in_(list(submission_ids)))
            .group_by(RectificationRequest.submission_id)
        )
        return {film_id: at for film_id, at in rows}

    def add_answer(self, request: RectificationRequest, now: datetime, **values: Any) -> bool:
        """Store an answer; False when its film has been used as an answer to this request before."""
        row = {"request_id": request.id, "answered_at": now, "text": None, "submission_id": None, **values}
        return insert_if_absent(self.session, RectificationAnswer, row) is not None

    def answers(self, request_ids: Iterable[int]) -> Sequence[RectificationAnswer]:
        """The answers to these requests, the oldest first."""
        ids = list(request_ids)
        return self.session.scalars(
            select(RectificationAnswer)
            .where(RectificationAnswer.request_id.in_(ids))
            .order_by(RectificationAnswer.answered_at, RectificationAnswer.id)
        ).all()
