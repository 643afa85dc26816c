"""The view log: who opened which film when, and for how long it played."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.db.models import FilmView


class ViewLogStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(
        self, submission_id: int, person_id: int, viewer_name: str, kind: str, now: datetime, *, by_supervisor: bool
    ) -> FilmView:
        """`kind`: film, sheet or download."""
        view = FilmView(
            submission_id=submission_id,
            person_id=person_id,
            viewer_name=viewer_name,
            by_supervisor=by_supervisor,
            kind=kind,
            opened_at=now,
        )
        self.session.add(view)
        self.session.flush()
        return view

    def get(self, view_id: int) -> FilmView | None:
        return self.session.get(FilmView, view_id)

    def of_film(self, submission_id: int) -> Sequence[FilmView]:
        """The views of a film, the latest first."""
        return self.session.scalars(
            select(FilmView)
            .where(FilmView.submission_id == submission_id)
            .order_by(FilmView.opened_at.desc(), FilmView.id.desc())
        ).all()

    def watched_seconds(self, submission_id: int, person_id: int) -> float:
        """The seconds a person has played a film, summed over all views."""
        total = select(func.sum(FilmView.watched_s)).where(
            FilmView.submission_id == submission_id, FilmView.person_id == person_id
        )
        return float(self.session.scalar(total) or 0.0)

    def sheet_seconds(self, person_id: int, since: datetime) -> float:
        """The seconds for which a person has looked at contact sheets of the review, as reported since an instant."""
        total = select(func.sum(FilmView.watched_s)).where(
            FilmView.person_id == person_id, FilmView.kind == "contact_sheet", FilmView.last_progress_at > since
        )
        return float(self.session.scalar(total) or 0.0)

    def first_viewed_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> when the supervising office first opened it."""
        ids = list(submission_ids)
        rows = self.session.execute(
            select(FilmView.submission_id, func.min(FilmView.opened_at).label("at"))
            .where(FilmView.submission_id.in_(ids), FilmView.kind == "film", FilmView.by_supervisor)
            .group_by(FilmView.submission_id)
        )
        return {film_id: at for film_id, at in rows}
