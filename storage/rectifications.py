"""Problems put to an enterprise, and what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import Answer, Notice, Submission, Urge, Verdict
from storage.facts import insert_once

# The sentence by which an enterprise hears of a problem.
URGING = "review.problem"


class UrgeStore:
    """The urges and their answers."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def open(self, verdict: Verdict, enterprise_id: int, now: datetime) -> Urge:
        """Put a problem to an enterprise."""
        urge = Urge(
            verdict_id=verdict.id, submission_id=verdict.submission_id, enterprise_id=enterprise_id, opened_at=now
        )
        self.session.add(urge)
        self.session.flush()
        return urge

    def get(self, urge_id: int) -> Urge | None:
        """The urge of that id."""
        return self.session.get(Urge, urge_id)

    def of_verdict(self, verdict_id: int) -> Urge | None:
        """The urge that a verdict led to."""
        return self.session.scalar(select(Urge).where(Urge.verdict_id == verdict_id))

    def of_film(self, submission_id: int) -> Sequence[Urge]:
        """Every urge about a film, the latest first."""
        return self.session.scalars(
            select(Urge).where(Urge.submission_id == submission_id).order_by(Urge.id.desc())
        ).all()

    def open_for(self, enterprise_ids: Iterable[int], since: datetime) -> Sequence[tuple[Urge, Submission]]:
        """What was put to these enterprises since an instant and has not been taken back, the latest first."""
        rows = self.session.execute(
            select(Urge, Submission)
            .join(Submission, Submission.id == Urge.submission_id)
            .where(Urge.enterprise_id.in_(list(enterprise_ids)), Urge.closed_at.is_(None), Urge.opened_at >= since)
            .order_by(Urge.opened_at.desc(), Urge.id.desc())
        ).all()
        return [(urge, film) for urge, film in rows]

    def first_urged(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """When the first message about a problem with each of these films really left."""
        urged = {
            verdict_id: (film_id, night)
            for verdict_id, film_id, night in self.session.execute(
                select(Urge.verdict_id, Submission.id, Submission.night)
                .join(Submission, Submission.id == Urge.submission_id)
                .where(Urge.submission_id.in_(list(submission_ids)))
            )
        }
        nights = {night for _, night in urged.values()}
        said = select(Notice.params, Notice.sent_at).where(
            Notice.night.in_(nights), Notice.text_key == URGING, Notice.sent_at.is_not(None)
        )
        found: dict[int, datetime] = {}
        for params, sent_at in self.session.execute(said.order_by(Notice.sent_at.desc())) if urged else ():
            if params["verdict"] in urged:
                found[urged[params["verdict"]][0]] = sent_at
        return found

    def first_answered(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """When the first answer to a problem with each of these films came."""
        rows = self.session.execute(
            select(Urge.submission_id, func.min(Answer.at))
            .join(Answer, Answer.urge_id == Urge.id)
            .where(Urge.submission_id.in_(list(submission_ids)))
            .group_by(Urge.submission_id)
        )
        return {film_id: at for film_id, at in rows}

    def answer(self, urge: Urge, now: datetime, **values: Any) -> bool:
        """Put an answer on record; False when that film already was one."""
        row = {"urge_id": urge.id, "at": now, "words": None, "submission_id": None, **values}
        return insert_once(self.session, Answer, row) is not None

    def answers(self, urge_ids: Iterable[int]) -> Sequence[Answer]:
        """The answers to these urges, the oldest first."""
        ids = list(urge_ids)
        return self.session.scalars(select(Answer).where(Answer.urge_id.in_(ids)).order_by(Answer.at, Answer.id)).all()
