"""Alerts, and what was said and done about each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Alert(Base):
    """A cause that a person must acknowledge and, in the end, resolve; escalated while it has no holder.

    `rung` is the rung used last, counted on through the rounds; -1 before the first. Until `held_until` no person is
    alerted: the sender is being asked whether it is an emergency. An acknowledgement without an end stays valid.
    """

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    cause: Mapped[str]
    night: Mapped[date]
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[datetime]
    held_until: Mapped[datetime | None]
    rung: Mapped[int] = mapped_column(default=-1)
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    acknowledgement_ends_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None]

    def is_acknowledged(self, now: datetime) -> bool:
        """Whether a person holds it at that instant."""
        ends_at = self.acknowledgement_ends_at
        return self.acknowledged_at is not None and (ends_at is None or now < ends_at)


class AlertEntry(Base):
    """One line in the record of an alert: a report, a note, an acknowledgement, a resolution.

    For what came by a message, its account and its inbox row, to which replies go.
    """

    __tablename__ = "alert_entry"
    __table_args__ = (Index("alert_entry_sender", "realm", "sender"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    name: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    channel: Mapped[str | None]
    realm: Mapped[str | None]
    sender: Mapped[str | None]
    chat_id: Mapped[str | None]
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inbox.id"))
