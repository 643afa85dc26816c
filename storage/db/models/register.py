"""The register: groups, enterprises and their parts, people and their accounts, the roster, the rules."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.db.models.base import Base, Id, quoted
from storage.register_terms import ENTERPRISE_STATUSES, GUARANTORS, PRODUCING, SOURCE_LEVELS


class GroupChat(Base):
    __tablename__ = "group_chat"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    robot_key: Mapped[str | None]
    chat_id: Mapped[str | None]


class Enterprise(Base):
    __tablename__ = "enterprise"
    __table_args__ = (CheckConstraint(f"status in ({quoted(ENTERPRISE_STATUSES)})", name="enterprise_status"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    short_name: Mapped[str]
    risk: Mapped[str | None]
    major_hazard_sources: Mapped[int] = mapped_column(default=0)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group_chat.id"))
    status: Mapped[str] = mapped_column(default=PRODUCING)


class KeyPart(Base):
    __tablename__ = "key_part"
    __table_args__ = (UniqueConstraint("enterprise_id", "number", name="key_part_number_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    number: Mapped[str]
    name: Mapped[str]
    risk: Mapped[str | None]
    filming_requirement: Mapped[str | None]
    required_in_shutdown: Mapped[bool] = mapped_column(default=False)
    in_use: Mapped[bool] = mapped_column(default=True)

    @property
    def label(self) -> str:
        """Number and name, as people see the part."""
        return f"{self.number} {self.name}"


class MajorHazardSource(Base):
    """A major-hazard source (重大危险源): its parts, and the three people who answer for its safety (包保)."""

    __tablename__ = "major_hazard_source"
    __table_args__ = (
        UniqueConstraint("enterprise_id", "number", name="major_hazard_source_number_once"),
        CheckConstraint(f"level in ({quoted(SOURCE_LEVELS)})", name="major_hazard_source_level"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    number: Mapped[str]
    name: Mapped[str]
    level: Mapped[str | None]
    in_use: Mapped[bool] = mapped_column(default=True)
    head_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    technical_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    operation_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    parts: Mapped[list[KeyPart]] = relationship(secondary="major_hazard_source_part", order_by=KeyPart.id)

    @property
    def guarantors(self) -> dict[str, int]:
        """Role (see storage.register_terms) -> id of the person, of those who are named."""
        found = {role: getattr(self, f"{role}_id") for role in GUARANTORS}
        return {role: person_id for role, person_id in found.items() if person_id is not None}


class MajorHazardSourcePart(Base):
    """A key part that belongs to a major-hazard source."""

    __tablename__ = "major_hazard_source_part"
    source_id: Mapped[int] = mapped_column(ForeignKey("major_hazard_source.id"), primary_key=True)
    part_id: Mapped[int] = mapped_column(ForeignKey("key_part.id"), primary_key=True, index=True)


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    mobile: Mapped[str | None]
    roles: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)

    def has_role(self, *roles: str) -> bool:
        """Whether the person has one of these roles (see storage.register_terms)."""
        return bool(set(roles) & set(self.roles))


class Employment(Base):
    """Which enterprises a person films for or answers for; none = the supervising office."""

    __tablename__ = "employment"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), primary_key=True, index=True)


class Binding(Base):
    """An account of a person on one platform, from (None = always) until (None = still)."""

    __tablename__ = "binding"
    __table_args__ = (Index("binding_account", "realm", "canonical_account"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    realm: Mapped[str]
    account: Mapped[str]
    # As accounts are compared; `account` is as the platform writes it.
    canonical_account: Mapped[str]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]


class Invitation(Base):
    """A one-time code that binds an account; the roles are given when it is used."""

    __tablename__ = "invitation"
    code: Mapped[str] = mapped_column(primary_key=True)
    # None for a person who is added to the register when the code is used.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    roles: Mapped[list[str]]
    enterprise_id: Mapped[int | None] = mapped_column(ForeignKey("enterprise.id"))
    # Whether an administrator made it, so that it may give out APPOINTED_ROLES.
    by_administrator: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class DutyShift(Base):
    """One name on the roster; `day` is the day on which the shift begins."""

    __tablename__ = "duty_shift"
    __table_args__ = (UniqueConstraint("day", "post", "person_id", name="duty_shift_once"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    post: Mapped[str]
    sort_order: Mapped[int] = mapped_column(default=0)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Rule(Base):
    """One agreed value and the first night for which it holds (None = from the beginning)."""

    __tablename__ = "rule"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    value: Mapped[str]
    effective_from: Mapped[date | None]
