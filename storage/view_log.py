"""Every look at a film: who, when, and how long it really ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import Look


class LookStore:
    """The looks, for the enterprises as well as for us."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def open(
        self, submission_id: int, person_id: int, viewer: str, what: str, now: datetime, *, by_county: bool
    ) -> Look:
        """Put on record that somebody opened a film."""
        look = Look(
            submission_id=submission_id, person_id=person_id, viewer=viewer, by_county=by_county, what=what,
            opened_at=now,
        )  # fmt: skip
        self.session.add(look)
        self.session.flush()
        return look

    def get(self, look_id: int) -> Look | None:
        """The look of that id."""
        return self.session.get(Look, look_id)

    def of_film(self, submission_id: int) -> Sequence[Look]:
        """Every look at a film, the latest first."""
        return self.session.scalars(
            select(Look).where(Look.submission_id == submission_id).order_by(Look.opened_at.desc(), Look.id.desc())
        ).all()

    def watched_by(self, submission_id: int, person_id: int) -> float:
        """For how many seconds somebody has had a film running, all looks together."""
        total = select(func.sum(Look.watched_s)).where(Look.submission_id == submission_id, Look.person_id == person_id)
        return float(self.session.scalar(total) or 0.0)

    def first_seen(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """When the supervisor first opened each of these films."""
        ids = list(submission_ids)
        rows = self.session.execute(
            select(Look.submission_id, func.min(Look.opened_at).label("at"))
            .where(Look.submission_id.in_(ids), Look.what == "film", Look.by_county)
            .group_by(Look.submission_id)
        )
        return {film_id: at for film_id, at in rows}
