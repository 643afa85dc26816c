"""Objections of enterprises."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id


class Objection(Base):
    """An enterprise's objection to an entry of a night, and the office's answer."""

    __tablename__ = "objection"
    __table_args__ = (
        Index("objection_enterprise", "enterprise_id", "night"),
        Index("objection_open", "answered_at"),
        CheckConstraint("(answered_at is null) = (answer is null)", name="objection_answered"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    night: Mapped[date]
    raised_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    raised_at: Mapped[datetime]
    text: Mapped[str]
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]
