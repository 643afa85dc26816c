"""Problems put to an enterprise, and what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import Notice, RectificationAnswer, RectificationRequest, Submission, Verdict
from storage.db.upsert import insert_if_absent

# The sentence by which an enterprise hears of a problem.
PROBLEM_TEXT_KEY = "rectification.request"


class RectificationStore:
    """The urges and their answers."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, verdict: Verdict, enterprise_id: int, now: datetime) -> RectificationRequest:
        """Put a problem to an enterprise."""
        urge = RectificationRequest(
            verdict_id=verdict.id, submission_id=verdict.submission_id, enterprise_id=enterprise_id, opened_at=now
        )
        self.session.add(urge)
        self.session.flush()
        return urge

    def get(self, urge_id: int) -> RectificationRequest | None:
        """The urge of that id."""
        return self.session.get(RectificationRequest, urge_id)

    def of_verdict(self, verdict_id: int) -> RectificationRequest | None:
        """The urge that a verdict led to."""
        return self.session.scalar(select(RectificationRequest).where(RectificationRequest.verdict_id == verdict_id))

    def of_film(self, submission_id: int) -> Sequence[RectificationRequest]:
        """Every urge about a film, the latest first."""
        return self.session.scalars(
            select(RectificationRequest)
            .where(RectificationRequest.submission_id == submission_id)
            .order_by(RectificationRequest.id.desc())
        ).all()

    def open_of_enterprises(
        self, enterprise_ids: Iterable[int], since: datetime
    ) -> Sequence[tuple[RectificationRequest, Submission]]:
        """What was put to these enterprises since an instant and has not been taken back, the latest first."""
        rows = self.session.execute(
            select(RectificationRequest, Submission)
            .join(Submission, Submission.id == RectificationRequest.submission_id)
            .where(
                RectificationRequest.enterprise_id.in_(list(enterprise_ids)),
                RectificationRequest.closed_at.is_(None),
                RectificationRequest.opened_at >= since,
            )
            .order_by(RectificationRequest.opened_at.desc(), RectificationRequest.id.desc())
        ).all()
        return [(urge, film) for urge, film in rows]

    def first_requested_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """When the first message about a problem with each of these films really left."""
        urged = {
            verdict_id: (film_id, night)
            for verdict_id, film_id, night in self.session.execute(
                select(RectificationRequest.verdict_id, Submission.id, Submission.night)
                .join(Submission, Submission.id == RectificationRequest.submission_id)
                .where(RectificationRequest.submission_id.in_(list(submission_ids)))
            )
        }
        nights = {night for _, night in urged.values()}
        said = select(Notice.params, Notice.sent_at).where(
            Notice.night.in_(nights), Notice.text_key == PROBLEM_TEXT_KEY, Notice.sent_at.is_not(None)
        )
        found: dict[int, datetime] = {}
        for params, sent_at in self.session.execute(said.order_by(Notice.sent_at.desc())) if urged else ():
            if params["verdict"] in urged:
                found[urged[params["verdict"]][0]] = sent_at
        return found

    def first_answered_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """When the first answer to a problem with each of these films came."""
        rows = self.session.execute(
            select(RectificationRequest.submission_id, func.min(RectificationAnswer.answered_at))
            .join(RectificationAnswer, RectificationAnswer.request_id == RectificationRequest.id)
            .where(RectificationRequest.submission_id.in_(list(submission_ids)))
            .group_by(RectificationRequest.submission_id)
        )
        return {film_id: at for film_id, at in rows}

    def add_answer(self, request: RectificationRequest, now: datetime, **values: Any) -> bool:
        """Put an answer on record; False when that film already was one."""
        row = {"request_id": request.id, "answered_at": now, "text": None, "submission_id": None, **values}
        return insert_if_absent(self.session, RectificationAnswer, row) is not None

    def answers(self, request_ids: Iterable[int]) -> Sequence[RectificationAnswer]:
        """The answers to these urges, the oldest first."""
        ids = list(request_ids)
        return self.session.scalars(
            select(RectificationAnswer)
            .where(RectificationAnswer.request_id.in_(ids))
            .order_by(RectificationAnswer.answered_at, RectificationAnswer.id)
        ).all()
