"""Daily reports as they were issued, and their amendments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import IssuedReport, IssuedReportFile
from storage.db.upsert import insert_if_absent


class IssuedReportStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def add(
        self, night: date, content: dict[str, Any], issued_at: datetime, head: str | None, changes: Sequence[Any] = ()
    ) -> IssuedReport:
        """Add the report of a night, or its next amendment."""
        latest = self.latest(night)
        report = IssuedReport(
            night=night,
            number=latest.number + 1 if latest else 0,
            issued_at=issued_at,
            content=content,
            changes=list(changes),
            audit_log_head=head,
        )
        self.session.add(report)
        self.session.flush()
        return report

    def get(self, night: date, number: int = 0) -> IssuedReport | None:
        """Number 0 is the report as it was first issued."""
        return self.session.get(IssuedReport, (night, number), populate_existing=True)

    def latest(self, night: date) -> IssuedReport | None:
        """The report with all its amendments so far."""
        of_night = select(IssuedReport).where(IssuedReport.night == night)
        return self.session.scalars(of_night.order_by(IssuedReport.number.desc()).limit(1)).first()

    def amendments(self, night: date) -> Sequence[IssuedReport]:
        amendments = select(IssuedReport).where(IssuedReport.night == night, IssuedReport.number > 0)
        return self.session.scalars(amendments.order_by(IssuedReport.number)).all()

    def counts_between(self, first: date, last: date) -> Sequence[Any]:
        """Night, number, instant of issue and counts of every report and amendment of these nights, in order."""
        columns = (IssuedReport.night, IssuedReport.number, IssuedReport.issued_at, IssuedReport.content["counts"])
        reports = select(*columns).where(IssuedReport.night >= first, IssuedReport.night <= last)
        return self.session.execute(reports.order_by(IssuedReport.night, IssuedReport.number)).all()

    def nights_since(self, first: date) -> Sequence[date]:
        """The nights from the first on whose report was issued, in order."""
        nights = select(IssuedReport.night).where(IssuedReport.night >= first, IssuedReport.number == 0)
        return self.session.scalars(nights.order_by(IssuedReport.night)).all()

    def all(self) -> Iterator[IssuedReport]:
        """Every report and amendment, in order; fetched in batches."""
        query = select(IssuedReport).order_by(IssuedReport.night, IssuedReport.number)
        return iter(self.session.scalars(query.execution_options(yield_per=100)))

    def file(self, report: IssuedReport, format_: str) -> IssuedReportFile | None:
        """The file of a report in a format; None until it is first asked for."""
        return self.session.get(IssuedReportFile, (report.night, report.number, format_))

    def all_files(self) -> Sequence[IssuedReportFile]:
        return self.session.scalars(select(IssuedReportFile)).all()

    def record_file(self, file: IssuedReportFile) -> bool:
        """Record a file; False when one in that format was recorded before."""
        names = ("night", "number", "format", "sha256", "object_key")
        return (
            insert_if_absent(self.session, IssuedReportFile, {name: getattr(file, name) for name in names}) is not None
        )


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 in hex over the content as JSON."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
