"""Who looked at which film, what was judged of it, and what the enterprise answered."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class FilmView(Base):
    """One look at a film. `watched_s` is the viewer's time with the film running, `covered_s` how much of it ran."""

    __tablename__ = "film_view"
    __table_args__ = (
        CheckConstraint("kind in ('film','contact_sheet','download')", name="film_view_kind"),
        CheckConstraint("watched_s >= 0 and covered_s >= 0", name="film_view_not_negative"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    viewer_name: Mapped[str]
    # Whether it was the supervisor who looked, and not the enterprise at its own.
    by_supervisor: Mapped[bool]
    kind: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    watched_s: Mapped[float] = mapped_column(default=0.0)
    covered_s: Mapped[float] = mapped_column(default=0.0)
    last_progress_at: Mapped[datetime | None]


class ReviewClaim(Base):
    """Who has a film in hand; it lapses by itself."""

    __tablename__ = "review_claim"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Verdict(Base):
    """What somebody judged of a film as one of a part; a later one supersedes it and leaves it on record."""

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint("verdict in ('fit','problem','unclear','wrong_part')", name="verdict_known"),
        CheckConstraint("via in ('page','chat')", name="verdict_via"),
        Index(
            "verdict_current", "submission_id", unique=True,
            sqlite_where=text("superseded_at is null"), postgresql_where=text("superseded_at is null"),
        ),
        Index("verdict_of_night", "night", "given_at"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    night: Mapped[date]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    # The part it was judged as: a film that is put elsewhere is to be judged anew.
    part_id: Mapped[int] = mapped_column(ForeignKey("key_part.id"), index=True)
    verdict: Mapped[str]
    reason: Mapped[str | None]
    # Where in the film, in seconds; the still frame is taken there.
    at_s: Mapped[float | None]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reviewer_name: Mapped[str]
    via: Mapped[str]
    given_at: Mapped[datetime]
    watched_s: Mapped[float] = mapped_column(default=0.0)
    is_second_review: Mapped[bool] = mapped_column(default=False)
    superseded_at: Mapped[datetime | None]


class SecondReview(Base):
    """A film judged fit that was drawn to be looked at by somebody else."""

    __tablename__ = "second_review"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    night: Mapped[date] = mapped_column(index=True)
    first_verdict_id: Mapped[int] = mapped_column(ForeignKey("verdict.id"))
    selected_at: Mapped[datetime]
    second_verdict_id: Mapped[int | None] = mapped_column(ForeignKey("verdict.id"))


class RectificationRequest(Base):
    """A problem found, put to the enterprise, which is asked for an answer."""

    __tablename__ = "rectification_request"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    verdict_id: Mapped[int] = mapped_column(ForeignKey("verdict.id"), unique=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), index=True)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class RectificationAnswer(Base):
    """What an enterprise answered: words, or a film."""

    __tablename__ = "rectification_answer"
    __table_args__ = (UniqueConstraint("request_id", "submission_id", name="rectification_answer_film_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("rectification_request.id"), index=True)
    answered_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    author_name: Mapped[str]
    text: Mapped[str | None]
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
