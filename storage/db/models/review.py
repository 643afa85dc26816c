"""Views, claims and verdicts of films, and second reviews."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class FilmView(Base):
    """One view of a film. `watched_s`: seconds of playing; `covered_s`: seconds of the film that were played."""

    __tablename__ = "film_view"
    __table_args__ = (
        CheckConstraint("kind in ('film','contact_sheet','download')", name="film_view_kind"),
        CheckConstraint("watched_s >= 0 and covered_s >= 0", name="film_view_not_negative"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    viewer_name: Mapped[str]
    # False for views by the enterprise's own people.
    by_supervisor: Mapped[bool]
    kind: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    watched_s: Mapped[float] = mapped_column(default=0.0)
    covered_s: Mapped[float] = mapped_column(default=0.0)
    last_progress_at: Mapped[datetime | None]


class ReviewClaim(Base):
    """A person's claim to review a film, until it expires. `is_prefetched`: not shown to the person yet."""

    __tablename__ = "review_claim"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    is_prefetched: Mapped[bool] = mapped_column(default=False)


class Verdict(Base):
    """A reviewer's verdict on a film of a part; superseded by the next one, never deleted."""

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint("verdict in ('fit','problem','unclear','wrong_part')", name="verdict_known"),
        CheckConstraint("via in ('page','chat')", name="verdict_via"),
        Index(
            "verdict_current",
            "submission_id",
            unique=True,
            sqlite_where=text("superseded_at is null"),
            postgresql_where=text("superseded_at is null"),
        ),
        Index("verdict_of_night", "night", "given_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    night: Mapped[date]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    # The part at the time of the verdict; a film attributed to another part must be judged again.
    part_id: Mapped[int] = mapped_column(ForeignKey("key_part.id"), index=True)
    verdict: Mapped[str]
    reason: Mapped[str | None]
    # The position in the film, in seconds, of the still frame.
    at_s: Mapped[float | None]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reviewer_name: Mapped[str]
    via: Mapped[str]
    given_at: Mapped[datetime]
    watched_s: Mapped[float] = mapped_column(default=0.0)
    is_second_review: Mapped[bool] = mapped_column(default=False)
    superseded_at: Mapped[datetime | None]
    # The reviewer took it back at `superseded_at`, before anything followed from it.
    is_undone: Mapped[bool] = mapped_column(default=False)


class SecondReview(Base):
    """A film judged fit that was selected for review by another person."""

    __tablename__ = "second_review"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    night: Mapped[date] = mapped_column(index=True)
    first_verdict_id: Mapped[int] = mapped_column(ForeignKey("verdict.id"))
    selected_at: Mapped[datetime]
    second_verdict_id: Mapped[int | None] = mapped_column(ForeignKey("verdict.id"))
