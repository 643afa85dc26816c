"""Daily reports as they were issued, and their amendments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.db.models.base import Base


class IssuedReport(Base):
    """The daily report of a night: number 0 as it was first issued, higher numbers as later amended.

    It is never changed. `changes` are the differences from the number before; `sha256` and `object_key` are those of
    the workbook, None until it is first asked for.
    """

    __tablename__ = "issued_report"
    __table_args__ = (CheckConstraint("number >= 0", name="issued_report_number"),)
    night: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    issued_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    changes: Mapped[list[Any]]
    audit_log_head: Mapped[str | None]
    sha256: Mapped[str | None]
    object_key: Mapped[str | None]

    @property
    def audit_subject(self) -> str:
        """The subject of its entries in the audit log."""
        return f"日报/{self.night}/{self.number}"
