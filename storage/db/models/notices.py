"""Notices and their delivery attempts, and training content."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base, Id, random_id
from storage.outbound import OutboundMessage, decode
from storage.priority import Priority


class Notice(Base):
    """A message to one recipient: route, due time, expiry, and outcome."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_state", "state", "due_at"),
        # What the list of all notices is searched by: those columns never change, so updates leave the index alone.
        Index("notice_night", "night", "id", "kind", "person_id", "group_id", "recipient_name"),
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
    priority: Mapped[int] = mapped_column(default=Priority.ORDINARY)
    text_key: Mapped[str]
    params: Mapped[dict[str, Any]]
    check_name: Mapped[str | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    # The service's clock, on which the rate limit of a route is counted.
    last_attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    # Wall clock: until then the running attempt may still finish.
    lease_until: Mapped[datetime | None]
    body: Mapped[dict[str, Any] | None]
    # A DeliveryCause, and the words of the platform for the operator.
    cause: Mapped[str | None]
    detail: Mapped[str | None]
    # The routes that failed, in order: JSON objects.
    tried_routes: Mapped[list[Any] | None]
    platform_message_id: Mapped[str | None]
    response_code: Mapped[str | None]
    # The message this is a reply to; some platforms require it.
    reply_to_inbox_id: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def message(self) -> OutboundMessage | None:
        """The message sent last, which a resend repeats. Raises ValueError for a body that is not a message."""
        return None if self.body is None else decode(self.body)


class DeliveryAttempt(Base):
    """One attempt to send a notice: inserted before sending, completed after it."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("delivery_attempt_route", "route", "started_at"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    # The notice itself may take another route afterwards.
    route: Mapped[str | None]
    # Whether it counts against the reply window of the account.
    uses_reply_quota: Mapped[bool] = mapped_column(default=True, server_default=true())
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    cause: Mapped[str | None]
    detail: Mapped[str | None]


class ContentItem(Base):
    """One that is not `in_use` (停用 in the register) is not pushed any more, and its link is gone."""

    __tablename__ = "content_item"
    __table_args__ = (CheckConstraint("kind in ('链接','视频')", name="content_kind"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    link_id: Mapped[str] = mapped_column(unique=True, default=random_id)
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
    in_use: Mapped[bool] = mapped_column(default=True)


class ContentPush(Base):
    """An item sent to a group; each group gets an item once."""

    __tablename__ = "content_push"
    __table_args__ = (UniqueConstraint("item_id", "group_id", name="content_push_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("content_item.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"), index=True)
    day: Mapped[date]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
