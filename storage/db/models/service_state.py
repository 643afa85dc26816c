"""State of the service itself: facts, outages, tokens, decisions, counters, audit log."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Fact(Base):
    """A named value, such as the clock of a rehearsal or the heartbeat of a worker."""

    __tablename__ = "fact"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Outage(Base):
    """A period in which we could not receive (`receiving`) or remind (`working`), or the platform was unavailable."""

    __tablename__ = "outage"
    __table_args__ = (
        UniqueConstraint("kind", "started_at", name="outage_once"),
        CheckConstraint("kind in ('receiving','processing','platform')", name="outage_kind"),
        CheckConstraint("started_at < ended_at", name="outage_duration"),
        Index("outage_ended", "ended_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class ReminderGrace(Base):
    """A reminder left late by our fault: until then the enterprise's films for the night are not late."""

    __tablename__ = "reminder_grace"
    night: Mapped[date] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), primary_key=True)
    until: Mapped[datetime]


class AccessToken(Base):
    """An access token shared by all processes; one of them at a time may fetch a new one."""

    __tablename__ = "access_token"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    # Wall clock: the deadline of the process that is fetching a new one.
    lease_until: Mapped[datetime | None]


class CallbackSignature(Base):
    """A signature that does not cover the body of its callback, and the one message it was accepted for."""

    __tablename__ = "callback_signature"
    signature: Mapped[str] = mapped_column(primary_key=True)
    message_key: Mapped[str]
    signed_at: Mapped[datetime] = mapped_column(index=True)


class Decision(Base):
    """A decision that is made once, such as a reminder wave of one night."""

    __tablename__ = "decision"
    key: Mapped[str] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    outcome: Mapped[str]


class Counter(Base):
    """The last number of a series without gaps, such as the receipts of one night."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]


class AuditEntry(Base):
    """Something a person or the service did, such as attaching a film; sealed when it is written.

    `seal` covers the entry and the seal before it (storage/audit_log.py).
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("audit_entry_subject", "subject"),)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[dict[str, Any]]
    subject: Mapped[str | None]
    seal: Mapped[str]
