"""Who may look at the dashboard, and who is looking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class Credential(Base):
    """A password of a person who signs in without WeCom; `totp_*` where a second factor was asked for."""

    __tablename__ = "credential"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    # As names are compared when somebody signs in.
    login: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    totp_secret: Mapped[str | None]
    # The newest step whose code was accepted: a code seen over a shoulder is worth nothing.
    last_totp_step: Mapped[int | None]
    failed_attempts: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime | None]


class WebSession(Base):
    """One sign-in of one browser. The browser holds a random token; here lies only its digest.

    Instants are the wall clock's, also in a rehearsal: whoever sits before a screen lives in real time.
    """

    __tablename__ = "web_session"
    __table_args__ = (CheckConstraint("sign_in_method in ('wecom','password')", name="web_session_method"),)
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    sign_in_method: Mapped[str]
    # What was sent to WeCom with the person and came back: good for one sign-in.
    oauth_state_sha256: Mapped[str | None] = mapped_column(unique=True)
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
