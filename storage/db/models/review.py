"""Who looked at which film, what was judged of it, and what the enterprise answered."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Look(Base):
    """One look at a film. `watched_s` is the viewer's time with the film running, `covered_s` how much of it ran."""

    __tablename__ = "look"
    __table_args__ = (
        CheckConstraint("what in ('film','sheet','download')", name="look_what"),
        CheckConstraint("watched_s >= 0 and covered_s >= 0", name="look_not_negative"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    viewer: Mapped[str]
    # Whether it was the supervisor who looked, and not the enterprise at its own.
    by_county: Mapped[bool]
    what: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(index=True)
    watched_s: Mapped[float] = mapped_column(default=0.0)
    covered_s: Mapped[float] = mapped_column(default=0.0)
    last_at: Mapped[datetime | None]


class ReviewClaim(Base):
    """Who has a film in hand; it lapses by itself."""

    __tablename__ = "review_claim"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    claimed_at: Mapped[datetime]
    lapses_at: Mapped[datetime]


class Verdict(Base):
    """What somebody judged of a film as one of a part; a later one supersedes it and leaves it on record."""

    __tablename__ = "verdict"
    __table_args__ = (
        CheckConstraint("word in ('fit','problem','unclear','wrong_part')", name="verdict_word"),
        CheckConstraint("via in ('page','chat')", name="verdict_via"),
        Index(
            "verdict_in_force", "submission_id", unique=True,
            sqlite_where=text("superseded_at is null"), postgresql_where=text("superseded_at is null"),
        ),
        Index("verdict_of_night", "night", "given_at"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    night: Mapped[date]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    # The part it was judged as: a film that is put elsewhere is to be judged anew.
    part_id: Mapped[int] = mapped_column(ForeignKey("key_part.id"), index=True)
    word: Mapped[str]
    reason: Mapped[str | None]
    # Where in the film, in seconds; the still frame is taken there.
    at_s: Mapped[float | None]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    by: Mapped[str]
    via: Mapped[str]
    given_at: Mapped[datetime]
    watched_s: Mapped[float] = mapped_column(default=0.0)
    second_look: Mapped[bool] = mapped_column(default=False)
    superseded_at: Mapped[datetime | None]


class SecondLook(Base):
    """A film judged fit that was drawn to be looked at by somebody else."""

    __tablename__ = "second_look"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    night: Mapped[date] = mapped_column(index=True)
    first_id: Mapped[int] = mapped_column(ForeignKey("verdict.id"))
    drawn_at: Mapped[datetime]
    verdict_id: Mapped[int | None] = mapped_column(ForeignKey("verdict.id"))


class Urge(Base):
    """A problem found, put to the enterprise, which is asked for an answer."""

    __tablename__ = "urge"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    verdict_id: Mapped[int] = mapped_column(ForeignKey("verdict.id"), unique=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), index=True)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Answer(Base):
    """What an enterprise answered: words, or a film."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("urge_id", "submission_id", name="answer_film_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    urge_id: Mapped[int] = mapped_column(ForeignKey("urge.id"), index=True)
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    by: Mapped[str]
    words: Mapped[str | None]
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
