"""The tables: everything the service remembers.

Instants are kept in UTC and come back aware; a night is named by its morning date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept as UTC; SQLite alone would hand back a naive one, eight hours off."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant must not be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return instant


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime,
        date: Date,
        str: Text,
        list[str]: JSON,
        list[int]: JSON,
        dict[str, Any]: JSON,
    }


# SQLite counts row ids only in an INTEGER primary key, PostgreSQL wants 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")


class Meta(Base):
    """Facts about this database itself, such as the rehearsal it is kept for."""

    __tablename__ = "meta"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class GroupChat(Base):
    __tablename__ = "group_chat"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    robot_key: Mapped[str | None]
    chat_id: Mapped[str | None]


class Enterprise(Base):
    __tablename__ = "enterprise"
    __table_args__ = (CheckConstraint("status in ('生产','停产','注销')", name="enterprise_status"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    short_name: Mapped[str]
    risk: Mapped[str | None]
    major_hazard_sources: Mapped[int] = mapped_column(default=0)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group_chat.id"))
    status: Mapped[str] = mapped_column(default="生产")


class KeyPart(Base):
    __tablename__ = "key_part"
    __table_args__ = (UniqueConstraint("enterprise_id", "number", name="one_part_per_number"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    number: Mapped[str]
    name: Mapped[str]
    risk: Mapped[str | None]
    filming_rule: Mapped[str | None]
    kept_in_shutdown: Mapped[bool] = mapped_column(default=False)
    in_use: Mapped[bool] = mapped_column(default=True)


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    mobile: Mapped[str | None]
    roles: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)


class Employment(Base):
    """Which enterprises a person films for or answers for; none = the supervising office."""

    __tablename__ = "employment"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), primary_key=True, index=True)


class Binding(Base):
    """An account of a person on one platform, from (None = always) until (None = still)."""

    __tablename__ = "binding"
    __table_args__ = (Index("binding_account", "realm", "account_key"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    realm: Mapped[str]
    account: Mapped[str]
    # As accounts are compared; `account` is as the platform writes it.
    account_key: Mapped[str]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]


class Invitation(Base):
    __tablename__ = "invitation"
    code: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class DutyShift(Base):
    """One name on the roster; `day` is the day on which the shift begins."""

    __tablename__ = "duty_shift"
    __table_args__ = (UniqueConstraint("day", "post", "person_id", name="once_per_post"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    post: Mapped[str]
    rank: Mapped[int] = mapped_column(default=0)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Rule(Base):
    """One agreed value and the first night for which it holds (None = from the beginning)."""

    __tablename__ = "rule"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    value: Mapped[str]
    holds_from: Mapped[date | None]


class Inbox(Base):
    """A message as it was received, kept before the platform gets its answer."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="heard_once"),
        Index("inbox_waiting", "state", "received_at"),
        Index("inbox_undispatched", "id", sqlite_where=text("not dispatched"), postgresql_where=text("not dispatched")),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str]
    message_key: Mapped[str]
    raw: Mapped[str]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="waiting")
    # Whether its job lies with the engine. Version 0.1 put both into one transaction: hence the server's default.
    dispatched: Mapped[bool] = mapped_column(default=False, server_default=true())
    attempts: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str | None]
    # Wall clock, not the service's: patience with the network stays real in a rehearsal.
    retry_at: Mapped[datetime | None]


class Outage(Base):
    """A stretch in which we could not receive (`receiving`) or remind (`working`), or the platform was away."""

    __tablename__ = "outage"
    __table_args__ = (
        UniqueConstraint("what", "began_at", name="outage_once"),
        CheckConstraint("what in ('receiving','working','platform')", name="outage_what"),
        CheckConstraint("began_at < ended_at", name="outage_lasts"),
        Index("outage_ended", "ended_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    what: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    noticed_at: Mapped[datetime]


class Submission(Base):
    """A film (or what came in place of one), from the moment it is announced."""

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="filed_once"),
        UniqueConstraint("night", "number", name="one_receipt_number"),
        Index("submission_sender", "realm", "sender", "sent_at"),
        Index("submission_place", "place", "night"),
        CheckConstraint("state in ('receiving','filed','unfit','failed','supporting')", name="submission_state"),
        CheckConstraint("place in ('attributed','unattributed','quarantined')", name="submission_place_known"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    night: Mapped[date] = mapped_column(index=True)
    number: Mapped[int]
    channel: Mapped[str]
    message_key: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    realm: Mapped[str]
    sender: Mapped[str]
    sender_key: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"), index=True)
    part_id: Mapped[int | None] = mapped_column(ForeignKey("key_part.id"))
    kind: Mapped[str]
    hint: Mapped[str | None]
    settled_by: Mapped[str | None]
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="receiving")
    place: Mapped[str]
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


class Word(Base):
    """Something a person said that may tell which part or enterprise a film shows."""

    __tablename__ = "word"
    __table_args__ = (
        UniqueConstraint("channel", "message_key", name="word_once"),
        Index("word_sender", "realm", "sender", "sent_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str]
    message_key: Mapped[str]
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    realm: Mapped[str]
    sender: Mapped[str]
    sent_at: Mapped[datetime]
    text: Mapped[str]


class NightChoice(Base):
    """For which enterprise a person of several films tonight; asked once a night."""

    __tablename__ = "night_choice"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    night: Mapped[date] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))


class ClosedNight(Base):
    """What was expected of a night when it closed, so that a later register never re-judges it."""

    __tablename__ = "closed_night"
    night: Mapped[date] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime]
    expected: Mapped[dict[str, Any]]


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
    level: Mapped[int] = mapped_column(default=-1)
    climbed_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    closed_why: Mapped[str | None]


class Notice(Base):
    """Something decided to be said: to whom, by which route, until when, and what came of it."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_state", "state", "due_at"),
        Index("notice_night", "night"),
        Index("notice_route_sent", "route", "attempted_at"),
        CheckConstraint(
            "state in ('due','sending','sent','unknown','failed','cancelled','expired')", name="notice_state_known"
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    once_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    night: Mapped[date]
    to_name: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group_chat.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), index=True)
    level: Mapped[int | None]
    channel: Mapped[str]
    address: Mapped[str]
    route: Mapped[str]
    form: Mapped[str]
    text_key: Mapped[str]
    params: Mapped[dict[str, Any]]
    still: Mapped[str | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    # The service's clock: the rate window of a route is counted on it.
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    # Wall clock: until then the attempt under way may still end by itself.
    lease_until: Mapped[datetime | None]
    body: Mapped[dict[str, Any] | None]
    detail: Mapped[str | None]
    platform_id: Mapped[str | None]
    response_code: Mapped[str | None]


class Attempt(Base):
    """One try at sending a notice: written before it leaves, completed after."""

    __tablename__ = "attempt"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
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


class Push(Base):
    """One item to one group, once for ever."""

    __tablename__ = "push"
    __table_args__ = (UniqueConstraint("item_id", "group_id", name="never_the_same_twice"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("content_item.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"), index=True)
    day: Mapped[date]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)


class Token(Base):
    """An access token shared by all processes; one of them at a time may fetch a new one."""

    __tablename__ = "token"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    # Wall clock: how long the process that is fetching a new one may take.
    lease_until: Mapped[datetime | None]


class Decision(Base):
    """A thing decided once and for ever, such as a reminder wave of one night."""

    __tablename__ = "decision"
    key: Mapped[str] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    outcome: Mapped[str]


class Counter(Base):
    """A series that must not skip or repeat a number, such as the receipts of one night."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]


class AuditEntry(Base):
    """Who did what by hand, and when: attaching a film, inviting a person, importing a register."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[dict[str, Any]]
