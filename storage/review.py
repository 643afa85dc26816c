"""Review of films: claims, verdicts and second reviews."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from storage.db.models import Enterprise, KeyPart, ReviewClaim, SecondReview, Submission, Verdict
from storage.db.upsert import insert_if_absent

REJECTING_VERDICTS = ("unclear", "wrong_part")
# A reviewer can take a verdict back for this long; it is kept within the office until then.
UNDO_PERIOD = timedelta(seconds=10)


class ReviewStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    # Claims

    def claim(
        self, submission_id: int, person_id: int, now: datetime, until: datetime, *, is_prefetched: bool = False
    ) -> bool:
        """Claim a film or extend one's own claim; False while another person holds one."""
        values = {"person_id": person_id, "claimed_at": now, "expires_at": until, "is_prefetched": is_prefetched}
        row = {"submission_id": submission_id, **values}
        if insert_if_absent(self.session, ReviewClaim, row) is not None:
            return True
        free = or_(ReviewClaim.expires_at <= now, ReviewClaim.person_id == person_id)
        claimed = self.session.execute(
            update(ReviewClaim)
            .where(ReviewClaim.submission_id == submission_id, free)
            .values(**values)
            .returning(ReviewClaim.submission_id)
        ).first()
        return claimed is not None

    def claims(self, now: datetime) -> dict[int, int]:
        """Film id -> id of the person with a valid claim."""
        rows = select(ReviewClaim.submission_id, ReviewClaim.person_id).where(ReviewClaim.expires_at > now)
        return {film_id: person_id for film_id, person_id in self.session.execute(rows)}

    def current_claim(self, person_id: int, now: datetime) -> int | None:
        """The id of the film a person claimed last and still holds; a prefetched one has not been shown yet."""
        return self.session.scalar(
            select(ReviewClaim.submission_id)
            .where(ReviewClaim.person_id == person_id, ReviewClaim.expires_at > now, ~ReviewClaim.is_prefetched)
            .order_by(ReviewClaim.claimed_at.desc(), ReviewClaim.submission_id.desc())
            .limit(1)
        )

    def extend_claims(
        self, submission_id: int, person_id: int, now: datetime, until: datetime, prefetched_until: datetime
    ) -> None:
        """Extend this person's valid claim of a film, and of the film prefetched behind it."""
        own = update(ReviewClaim).where(ReviewClaim.person_id == person_id, ReviewClaim.expires_at > now)
        self.session.execute(own.where(ReviewClaim.submission_id == submission_id).values(expires_at=until))
        self.session.execute(own.where(ReviewClaim.is_prefetched).values(expires_at=prefetched_until))

    def release_claim(self, submission_id: int, now: datetime) -> None:
        self.session.execute(
            update(ReviewClaim).where(ReviewClaim.submission_id == submission_id).values(expires_at=now)
        )

    # Verdicts

    def add_verdict(self, now: datetime, **values: Any) -> Verdict:
        """Add a verdict that supersedes the current one; both are kept."""
        self.session.execute(
            update(Verdict)
            .where(Verdict.submission_id == values["submission_id"], Verdict.superseded_at.is_(None))
            .values(superseded_at=now)
        )
        verdict = Verdict(given_at=now, **values)
        self.session.add(verdict)
        self.session.flush()
        return verdict

    def undo_verdict(self, verdict: Verdict, now: datetime) -> Verdict | None:
        """End a current verdict as undone, and make the one before it current again; returns that one."""
        verdict.superseded_at, verdict.is_undone = now, True
        self.session.flush()  # two verdicts must not be current at once
        earlier = [each for each in self.verdict_history(verdict.submission_id) if not each.is_undone]
        if not earlier:
            return None
        earlier[0].superseded_at = None
        self.session.flush()
        return earlier[0]

    def latest_verdicts_by(self, person_id: int, since: datetime) -> Sequence[Verdict]:
        """The current verdicts that a person gave last, together and after an instant; in the order of films."""
        own = select(Verdict).where(Verdict.person_id == person_id, Verdict.superseded_at.is_(None))
        latest = select(func.max(Verdict.given_at)).where(Verdict.person_id == person_id, Verdict.given_at > since)
        return self.session.scalars(own.where(Verdict.given_at == latest.scalar_subquery()).order_by(Verdict.id)).all()

    def last_judged_film(self, person_id: int, other_than: int) -> Submission | None:
        """The film that a person judged last, apart from a certain one."""
        return self.session.scalar(
            select(Submission)
            .join(Verdict, Verdict.submission_id == Submission.id)
            .where(Verdict.person_id == person_id, Submission.id != other_than)
            .order_by(Verdict.id.desc())
            .limit(1)
        )

    def verdict(self, verdict_id: int) -> Verdict | None:
        return self.session.get(Verdict, verdict_id)

    def current_verdict(self, submission_id: int) -> Verdict | None:
        """The verdict on a film that is not superseded."""
        return self.session.scalar(
            select(Verdict).where(Verdict.submission_id == submission_id, Verdict.superseded_at.is_(None))
        )

    def verdict_history(self, submission_id: int) -> Sequence[Verdict]:
        """Every verdict on a film, the latest first."""
        return self.session.scalars(
            select(Verdict).where(Verdict.submission_id == submission_id).order_by(Verdict.id.desc())
        ).all()

    def verdicts_at(self, night: date, at: datetime) -> Sequence[Verdict]:
        """The verdicts on films of a night that were current at an instant, if the film still belongs to their part.

        A verdict that was undone counts as never given.
        """
        later = or_(Verdict.superseded_at.is_(None), Verdict.superseded_at > at)
        return self.session.scalars(
            select(Verdict)
            .join(Submission, and_(Submission.id == Verdict.submission_id, Submission.part_id == Verdict.part_id))
            .where(Verdict.night == night, Verdict.given_at <= at, later, ~Verdict.is_undone)
            .order_by(Verdict.id)
        ).all()

    def rejections(self, first: date, last: date) -> Sequence[Any]:
        """Every rejecting verdict of these nights that was not undone, superseded ones included.

        Only those on films that still belong to their part.
        """
        return self.session.execute(
            select(Verdict.night, Verdict.submission_id, Verdict.given_at, Verdict.superseded_at)
            .join(Submission, and_(Submission.id == Verdict.submission_id, Submission.part_id == Verdict.part_id))
            .where(Verdict.night >= first, Verdict.night <= last, Verdict.verdict.in_(REJECTING_VERDICTS))
            .where(~Verdict.is_undone)
        ).all()

    def first_reviewed_at(self, submission_ids: Iterable[int]) -> dict[int, datetime]:
        """Film id -> time of its first verdict."""
        rows = self.session.execute(
            select(Verdict.submission_id, func.min(Verdict.given_at))
            .where(Verdict.submission_id.in_(list(submission_ids)), ~Verdict.is_undone)
            .group_by(Verdict.submission_id)
        )
        return {film_id: at for film_id, at in rows}

    def latest_verdict_by(self, person_id: int, verdict: str, since: datetime) -> Verdict | None:
        """The latest current verdict of this kind that a person gave since an instant."""
        return self.session.scalars(
            select(Verdict)
            .where(Verdict.person_id == person_id, Verdict.verdict == verdict, Verdict.given_at >= since)
            .where(Verdict.superseded_at.is_(None))
            .order_by(Verdict.id.desc())
            .limit(1)
        ).first()

    def parts_with_problems(self, night: date) -> set[int]:
        """Ids of the parts with a current verdict other than "fit" in a night."""
        query = select(Verdict.part_id).where(
            Verdict.night == night, Verdict.verdict != "fit", Verdict.superseded_at.is_(None)
        )
        return set(self.session.scalars(query))

    # The queue

    def reviewable_films(self, night: date, enterprise_id: int | None = None) -> Sequence[Any]:
        """The filed, attributed films of a night as (Submission, Enterprise, KeyPart), in the order of receipts."""
        query = (
            select(Submission, Enterprise, KeyPart)
            .join(KeyPart, KeyPart.id == Submission.part_id)
            .join(Enterprise, Enterprise.id == Submission.enterprise_id)
            .where(Submission.night == night, Submission.kind == "film", Submission.state == "filed")
            .where(Submission.attribution == "attributed")
            .order_by(Submission.number)
        )
        if enterprise_id is not None:
            query = query.where(Submission.enterprise_id == enterprise_id)
        return self.session.execute(query).all()

    # Second reviews

    def select_for_second_review(self, verdicts: Iterable[Verdict], now: datetime) -> None:
        """Request a second review of the films of these verdicts."""
        for each in verdicts:
            row = {
                "submission_id": each.submission_id,
                "night": each.night,
                "first_verdict_id": each.id,
                "selected_at": now,
            }
            insert_if_absent(self.session, SecondReview, row)

    def second_reviews(self, night: date) -> Sequence[Any]:
        """The second reviews of a night, each with the first verdict."""
        return self.session.execute(
            select(SecondReview, Verdict)
            .join(Verdict, Verdict.id == SecondReview.first_verdict_id)
            .where(SecondReview.night == night)
            .order_by(SecondReview.submission_id)
        ).all()

    def second_review(self, submission_id: int) -> SecondReview | None:
        return self.session.get(SecondReview, submission_id)

    def finish_second_review(self, submission_id: int, verdict_id: int | None) -> None:
        """Record the verdict of a second review; None makes it pending again."""
        finished = update(SecondReview).where(SecondReview.submission_id == submission_id)
        self.session.execute(finished.values(second_verdict_id=verdict_id))

    def verdict_counts(self, night: date) -> dict[str, int]:
        """Verdict -> number of films of a night with it as the current one."""
        rows = self.session.execute(
            select(Verdict.verdict, func.count())
            .where(Verdict.night == night, Verdict.superseded_at.is_(None))
            .group_by(Verdict.verdict)
        )
        return {verdict: count for verdict, count in rows}
