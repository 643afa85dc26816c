"""What was decided to be said, the alerts behind it, and the daily content."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id
from storage.outbound import OutboundMessage, decode


class Alert(Base):
    """One cause for which somebody must answer; the ladder climbs until one does."""

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    cause: Mapped[str]
    night: Mapped[date]
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[datetime]
    rung: Mapped[int] = mapped_column(default=-1)
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None]


class Notice(Base):
    """Something decided to be said: to whom, by which route, until when, and what came of it."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_state", "state", "due_at"),
        Index("notice_night", "night"),
        Index("notice_route_sent", "route", "last_attempted_at"),
        CheckConstraint(
            "state in ('due','sending','sent','unknown','failed','cancelled','expired')", name="notice_state_known"
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    night: Mapped[date]
    recipient_name: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group_chat.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), index=True)
    rung: Mapped[int | None]
    channel: Mapped[str]
    address: Mapped[str]
    route: Mapped[str]
    form: Mapped[str]
    text_key: Mapped[str]
    params: Mapped[dict[str, Any]]
    check_name: Mapped[str | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    # The service's clock: the rate window of a route is counted on it.
    last_attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    # Wall clock: until then the attempt under way may still end by itself.
    lease_until: Mapped[datetime | None]
    body: Mapped[dict[str, Any] | None]
    detail: Mapped[str | None]
    # The ways it could not take, in order: channel, way, why and when.
    tried_routes: Mapped[list[Any] | None]
    platform_message_id: Mapped[str | None]
    response_code: Mapped[str | None]
    # The message this is an answer to; some platforms want to be told.
    reply_to_inbox_id: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def message(self) -> OutboundMessage | None:
        """What was sent last, or is to be resent exactly. Raises ValueError for a body that is not a message."""
        return None if self.body is None else decode(self.body)


class DeliveryAttempt(Base):
    """One try at sending a notice: written before it leaves, completed after."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("delivery_attempt_route", "route", "started_at"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    # The way it took: the notice itself may take another afterwards.
    route: Mapped[str | None]
    # Whether it counts against what the account lets us say.
    uses_reply_quota: Mapped[bool] = mapped_column(default=True, server_default=true())
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    detail: Mapped[str | None]


class ContentItem(Base):
    __tablename__ = "content_item"
    __table_args__ = (CheckConstraint("kind in ('链接','视频')", name="content_kind"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str | None]
    object_key: Mapped[str | None]
    file_name: Mapped[str | None]
    sha256: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    planned_for: Mapped[date | None]
    added_at: Mapped[datetime]
    checked_on: Mapped[date | None]
    dead_since: Mapped[date | None]
    detail: Mapped[str | None]


class ContentPush(Base):
    """One item to one group, once for ever."""

    __tablename__ = "content_push"
    __table_args__ = (UniqueConstraint("item_id", "group_id", name="content_push_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("content_item.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"), index=True)
    day: Mapped[date]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
