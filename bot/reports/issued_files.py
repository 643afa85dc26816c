"""The files of issued reports: written once, the same bytes whenever they are asked for."""

from __future__ import annotations

import hashlib
from datetime import date

from bot.reports.formats import draw
from bot.unit_of_work import UnitOfWork
from bot.workbooks.reports.amendment import amendment_tables
from bot.workbooks.reports.daily import daily_tables
from bot.workbooks.reports.report_table import ReportTable
from schedules.reports.issued import issued_content
from schedules.rules import RuleBook
from storage.audit_log import REPORT_FILE_WRITTEN, SERVICE_ACTOR
from storage.db.models import IssuedReport, IssuedReportFile
from storage.objects import ObjectError, ObjectStore


class IssuedFiles:
    """A newer version of this program would write other bytes, so they are stored when first asked for."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._uow, self._objects = uow, objects

    def load(self, night: date, format_: str, number: int = 0) -> bytes | None:
        """The report of a night or (from 1) an amendment in one of FORMATS; None if it was not issued.

        Raises DatabaseUnavailable; ObjectError, also when the stored bytes have been altered.
        """
        with self._uow.read() as store:
            report, rules = store.issued_reports.get(night, number), self._uow.rules(store)
            file = store.issued_reports.file(report, format_) if report is not None else None
        if report is None:
            return None
        if file is None:
            self._write(report, format_, rules)
            return self.load(night, format_, number)
        return self._read(file)

    def _read(self, file: IssuedReportFile) -> bytes:
        with self._objects.open(file.object_key) as stored:
            content = stored.read()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ObjectError(f"{file.object_key} is not the report that was issued", transient=False)
        return content

    def _write(self, report: IssuedReport, format_: str, rules: RuleBook) -> None:
        """Of several processes that write at once, the first to record its file decides."""
        named = {"night": report.night, "number": report.number, "format": format_}
        with self._objects.spool() as spool:
            spool.write(draw(format_, issued_tables(report, rules)))
            key = f"reports/{report.night}/{report.number}-{spool.sha256[:16]}.{format_}"
            self._objects.save(spool, key)
            file = IssuedReportFile(**named, sha256=spool.sha256, object_key=key)
        with self._uow.transaction() as store:
            if store.issued_reports.record_file(file):
                detail = {**named, "night": report.night.isoformat(), "sha256": file.sha256}
                now, subject = self._uow.clock.now(), file.audit_subject
                store.audit_log.record(now, SERVICE_ACTOR, REPORT_FILE_WRITTEN, subject=subject, **detail)


def issued_tables(report: IssuedReport, rules: RuleBook) -> list[ReportTable]:
    """The tables of a report, or of an amendment, as it was issued."""
    return amendment_tables(report, rules) if report.number else daily_tables(issued_content(report), rules)
