"""Credentials and sessions of the dashboard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class Credential(Base):
    """The password of a person who signs in without WeCom; `totp_*` only with a second factor."""

    __tablename__ = "credential"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    # Normalized by storage.sign_ins.normalize_login.
    login: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    totp_secret: Mapped[str | None]
    # The newest step whose code was accepted; older codes are refused, so that none works twice.
    last_totp_step: Mapped[int | None]


class SignInAttempts(Base):
    """Failed sign-ins by password with one login from one address or device; see storage.sign_in_attempts."""

    __tablename__ = "sign_in_attempts"
    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failed_at: Mapped[datetime] = mapped_column(index=True)


class WebSession(Base):
    """One sign-in of one browser, which holds the random token; only its digest is stored.

    Instants of the wall clock, also in a rehearsal.
    """

    __tablename__ = "web_session"
    __table_args__ = (CheckConstraint("sign_in_method in ('wecom','password')", name="web_session_method"),)
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    sign_in_method: Mapped[str]
    # The OAuth state, valid for one sign-in.
    oauth_state_sha256: Mapped[str | None] = mapped_column(unique=True)
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
