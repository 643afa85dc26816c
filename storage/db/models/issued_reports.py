"""Daily reports as they were issued, and their amendments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class IssuedReport(Base):
    """The daily report of a night: number 0 as it was first issued, higher numbers as later amended.

    It is never changed. `changes` are the differences from the number before.
    """

    __tablename__ = "issued_report"
    __table_args__ = (CheckConstraint("number >= 0", name="issued_report_number"),)
    night: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    changes: Mapped[list[Any]]
    audit_log_head: Mapped[str | None]

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"日报/{self.night}/{self.number}"


class IssuedReportFile(Base):
    """A report or amendment in one format, stored when it is first asked for and never changed.

    `format` is the suffix of the file's name; `sha256` is in hex.
    """

    __tablename__ = "issued_report_file"
    __table_args__ = (
        ForeignKeyConstraint(["night", "number"], ["issued_report.night", "issued_report.number"]),
        CheckConstraint("format IN ('xlsx', 'pdf')", name="issued_report_file_format"),
    )
    night: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    object_key: Mapped[str]

    @property
    def audit_subject(self) -> str:
        """The subject of its entry in the audit log."""
        return f"日报/{self.night}/{self.number}/{self.format}"
