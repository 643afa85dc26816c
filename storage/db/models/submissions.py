"""Received messages and texts, submitted films, closed nights."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id
from storage.priority import Priority

AUDIT_SUBJECT_PREFIX = "回执/"


class InboxRow(Base):
    """A message as received, stored before the platform gets its response."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="inbox_message_once"),
        Index("inbox_waiting", "state", "received_at"),
        Index(
            "inbox_undispatched",
            "priority",
            "id",
            sqlite_where=text("not dispatched"),
            postgresql_where=text("not dispatched"),
        ),
        CheckConstraint("state in ('waiting','fetching','done','failed')", name="inbox_state"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str]
    message_key: Mapped[str]
    raw: Mapped[str]
    received_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=Priority.ORDINARY)
    # `waiting` to be handled, `fetching` once handled while its media are still to be fetched.
    state: Mapped[str] = mapped_column(default="waiting")
    # Whether its job lies with the engine.
    dispatched: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str | None]
    # Wall clock, not the service's: patience with the network stays real in a rehearsal.
    retry_at: Mapped[datetime | None]


class Submission(Base):
    """A film, or another file sent instead of one, from the moment its message is handled."""

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="submission_message_once"),
        UniqueConstraint("night", "number", name="submission_receipt_number"),
        Index("submission_sender", "realm", "sender", "sent_at"),
        Index("submission_attribution_night", "attribution", "night"),
        CheckConstraint("state in ('receiving','filed','unfit','failed','supporting')", name="submission_state"),
        CheckConstraint("attribution in ('attributed','unattributed','quarantined')", name="submission_attribution"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    night: Mapped[date] = mapped_column(index=True)
    number: Mapped[int]
    channel: Mapped[str]
    message_key: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    realm: Mapped[str]
    sender: Mapped[str]
    canonical_sender: Mapped[str]
    # The group it was sent in, to which the receipt goes; None for a single chat.
    chat_id: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    part_id: Mapped[int | None] = mapped_column(ForeignKey("key_part.id"))
    kind: Mapped[str]
    file_name: Mapped[str | None]
    attributed_by: Mapped[str | None]
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="receiving")
    attribution: Mapped[str]
    marks: Mapped[list[str]] = mapped_column(default=list)
    sha256: Mapped[str | None] = mapped_column(index=True)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    duration_s: Mapped[float | None]
    container: Mapped[str | None]
    codec: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    object_key: Mapped[str | None]

    @property
    def receipt(self) -> str:
        """The receipt number people see: MMDD-NNNN of the night."""
        return f"{self.night:%m%d}-{self.number:04d}"

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"{AUDIT_SUBJECT_PREFIX}{self.night}/{self.receipt}"


class ReceivedText(Base):
    """A text that may name the part or enterprise a film shows."""

    __tablename__ = "received_text"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="received_text_once"),
        Index("received_text_sender", "realm", "sender", "sent_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str]
    message_key: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    realm: Mapped[str]
    sender: Mapped[str]
    sent_at: Mapped[datetime]
    text: Mapped[str]


class NightEnterpriseChoice(Base):
    """For which enterprise a person who works for several films in a night."""

    __tablename__ = "night_enterprise_choice"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))


class ClosedNight(Base):
    """The films expected of a night when it closed, so that later register changes do not affect its judgement."""

    __tablename__ = "closed_night"
    night: Mapped[date] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime]
    expected: Mapped[dict[str, Any]]
