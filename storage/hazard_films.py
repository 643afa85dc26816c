"""The hazards that films and photos show, and when what followed from them happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from storage.db.models import Hazard, HazardAttempt, Notice, Submission
from storage.db.upsert import in_list
from storage.hazard_terms import NIGHT_PATROL, VOID

# The text by which an enterprise learns that a hazard was found.
FOUND_TEXT_KEY = "hazard_chat.found"


class HazardFilmQueries:
    def __init__(self, session: Session) -> None:
        self.session = session

    def of_film(self, submission_id: int) -> Sequence[Hazard]:
        """The hazards that a film or photo shows, the oldest first."""
        query = select(Hazard).where(Hazard.submission_id == submission_id)
        return self.session.scalars(query.order_by(Hazard.year, Hazard.ordinal)).all()

    def counts_by_night(self, enterprise_id: int, first: date, last: date, now: datetime) -> dict[date, int]:
        """Night -> number of hazards that the review found on an enterprise's films, and of which it may know."""
        rows = self.session.execute(
            select(Submission.night, func.count())
            .join(Hazard, Hazard.submission_id == Submission.id)
            .where(Hazard.enterprise_id == enterprise_id, Hazard.source == NIGHT_PATROL, Hazard.state != VOID)
            .where(Submission.night >= first, Submission.night <= last, is_known_to_enterprise(now))
            .group_by(Submission.night)
        )
        return {night: count for night, count in rows}

    def first_told_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> when the first message about a hazard on it was sent to the enterprise."""
        film_of_hazard = {
            number: (film_id, night)
            for number, film_id, night in self.session.execute(
                select(Hazard.number, Submission.id, Submission.night)
                .join(Submission, Submission.id == Hazard.submission_id)
                .where(in_list(self.session, Hazard.submission_id, submission_ids))
            )
        }
        sent = select(Notice.params, Notice.sent_at).where(
            Notice.night.in_({night for _, night in film_of_hazard.values()}),
            Notice.text_key == FOUND_TEXT_KEY,
            Notice.sent_at.is_not(None),
        )
        first: dict[int, datetime] = {}
        for params, sent_at in self.session.execute(sent.order_by(Notice.sent_at.desc())) if film_of_hazard else ():
            if params["hazard"] in film_of_hazard:
                first[film_of_hazard[params["hazard"]][0]] = sent_at
        return first

    def first_submitted_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> when a hazard on it was first reported as put right."""
        rows = self.session.execute(
            select(Hazard.submission_id, func.min(HazardAttempt.submitted_at))
            .join(HazardAttempt, HazardAttempt.hazard_number == Hazard.number)
            .where(in_list(self.session, Hazard.submission_id, submission_ids))
            .group_by(Hazard.submission_id)
        )
        return {film_id or 0: at for film_id, at in rows}


def is_known_to_enterprise(at: datetime) -> ColumnElement[bool]:
    """Hazards that their enterprises may know of by then, as `Hazard.is_known_to_enterprise` defines them."""
    known_from = Hazard.withheld_until
    was_open = or_(Hazard.closed_at.is_(None), Hazard.closed_at >= known_from)
    return or_(known_from.is_(None), (known_from <= at) & was_open)
