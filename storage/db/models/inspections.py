"""Inspections of enterprises, the documents that the office issues, and the cases that it files.

Triggers in the migration keep what no constraint can: nothing is deleted, what is void stays as it is, and the file of
a document is never replaced. What refers to an inspection or a case is of the same enterprise.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage import inspection_terms as terms
from storage.db.models.base import Base, Id, quoted

_IN_FORCE = text("voided_at is null")


def _voided_with_reason(table: str) -> CheckConstraint:
    return CheckConstraint(
        "(voided_at is null) = (void_reason is null) and (voided_at is null) = (voided_by is null)",
        name=f"{table}_voided",
    )


def _of_inspection(table: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["inspection_number", "enterprise_id"],
        ["inspection.number", "inspection.enterprise_id"],
        name=f"{table}_of_inspection",
    )


class Registered:
    """Who registered a row and when; and who declared it void, when and why."""

    registered_at: Mapped[datetime]
    registered_by: Mapped[str]
    registered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[str | None]
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    void_reason: Mapped[str | None]


class Inspection(Registered, Base):
    """A visit to one enterprise. `plan` is common to the visits of one plan.

    `inspectors`: {"name", "id"} of each; the id is None for a person who is not in the register.
    """

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("year", "ordinal", name="inspection_number_once"),
        CheckConstraint(f"kind in ({quoted(terms.INSPECTION_KINDS)})", name="inspection_kind"),
        _voided_with_reason("inspection"),
        Index("inspection_of_enterprise", "number", "enterprise_id", unique=True),
        Index("inspection_enterprise", "enterprise_id"),
    )
    number: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int]
    ordinal: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str]
    held_on: Mapped[date] = mapped_column(index=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"))
    inspectors: Mapped[list[Any]]
    plan: Mapped[str | None]
    remarks: Mapped[str | None]

    @property
    def inspector_names(self) -> str:
        return "、".join(each["name"] for each in self.inspectors)

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"检查/{self.number}"


class EnforcementCase(Registered, Base):
    """A case filed against an enterprise, and the fine that was decided in it."""

    __tablename__ = "enforcement_case"
    __table_args__ = (
        CheckConstraint("fine_yuan > 0", name="enforcement_case_fine"),
        CheckConstraint("(fine_yuan is null) = (fined_on is null)", name="enforcement_case_fined_on"),
        CheckConstraint(
            "fined_on >= filed_on and closed_on >= filed_on and closed_on >= fined_on", name="enforcement_case_dates"
        ),
        _voided_with_reason("enforcement_case"),
        _of_inspection("enforcement_case"),
        Index(
            "enforcement_case_number_once", "number", unique=True, sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE
        ),
        Index("enforcement_case_of_enterprise", "id", "enterprise_id", unique=True),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    filed_on: Mapped[date] = mapped_column(index=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), index=True)
    inspection_number: Mapped[str | None] = mapped_column(index=True)
    cause: Mapped[str]
    fine_yuan: Mapped[int | None]
    fined_on: Mapped[date | None] = mapped_column(index=True)
    closed_on: Mapped[date | None]
    remarks: Mapped[str | None]

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"案件/{self.number}"


class EnforcementDocument(Registered, Base):
    """A document that the office issued, with its file once it is scanned."""

    __tablename__ = "enforcement_document"
    __table_args__ = (
        CheckConstraint(f"kind in ({quoted(terms.DOCUMENT_KINDS)})", name="enforcement_document_kind"),
        CheckConstraint(
            "(sha256 is null) = (object_key is null) and (sha256 is null) = (file_name is null)",
            name="enforcement_document_file",
        ),
        _voided_with_reason("enforcement_document"),
        _of_inspection("enforcement_document"),
        ForeignKeyConstraint(
            ["case_id", "enterprise_id"],
            ["enforcement_case.id", "enforcement_case.enterprise_id"],
            name="enforcement_document_of_case",
        ),
        Index(
            "enforcement_document_number_once",
            "kind",
            "number",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date] = mapped_column(index=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprise.id"), index=True)
    inspection_number: Mapped[str | None] = mapped_column(index=True)
    case_id: Mapped[int | None] = mapped_column(Id, index=True)
    remarks: Mapped[str | None]
    file_name: Mapped[str | None]
    object_key: Mapped[str | None]
    sha256: Mapped[str | None]

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"文书/{self.number}"


class DocumentHazard(Base):
    """A hazard that a document is about."""

    __tablename__ = "document_hazard"
    document_id: Mapped[int] = mapped_column(ForeignKey("enforcement_document.id"), primary_key=True)
    hazard_number: Mapped[str] = mapped_column(ForeignKey("hazard.number"), primary_key=True, index=True)


class CaseHazard(Base):
    """A hazard that a case was filed for."""

    __tablename__ = "case_hazard"
    case_id: Mapped[int] = mapped_column(ForeignKey("enforcement_case.id"), primary_key=True)
    hazard_number: Mapped[str] = mapped_column(ForeignKey("hazard.number"), primary_key=True, index=True)
