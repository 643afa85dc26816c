"""The workbooks of issued reports: written once, the same bytes whenever they are asked for."""

from __future__ import annotations

import hashlib
from datetime import date

from bot.unit_of_work import UnitOfWork
from bot.workbooks.reports.amendment import amendment_tables
from bot.workbooks.reports.daily import daily_tables
from bot.workbooks.reports.report_table import ReportTable
from bot.workbooks.reports.report_workbook import report_workbook
from schedules.reports.issued import issued_content
from schedules.rules import RuleBook
from storage.audit_log import REPORT_FILE_WRITTEN, SERVICE_ACTOR
from storage.db.models import IssuedReport
from storage.objects import ObjectError, ObjectStore


class IssuedFiles:
    """A newer version of this program would write other bytes, so they are stored when first asked for."""

    def __init__(self, uow: UnitOfWork, objects: ObjectStore) -> None:
        self._uow, self._objects = uow, objects

    def workbook(self, night: date, number: int = 0) -> bytes | None:
        """The report of a night or (from 1) an amendment; None if it was not issued.

        Raises DatabaseUnavailable; ObjectError, also when the stored bytes have been altered.
        """
        with self._uow.read() as store:
            report, rules = store.issued_reports.get(night, number), self._uow.rules(store)
        if report is None:
            return None
        if report.object_key is None:
            self._write(report, rules)
            return self.workbook(night, number)
        return self._read(report, report.object_key)

    def _read(self, report: IssuedReport, object_key: str) -> bytes:
        with self._objects.open(object_key) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != report.sha256:
            raise ObjectError(f"{object_key} is not the report that was issued", transient=False)
        return content

    def _write(self, report: IssuedReport, rules: RuleBook) -> None:
        """Of several processes that write at once, the first to record its file decides."""
        with self._objects.spool() as spool:
            spool.write(report_workbook(issued_tables(report, rules)))
            key = f"reports/{report.night}/{report.number}-{spool.sha256[:16]}.xlsx"
            self._objects.save(spool, key)
            sha256 = spool.sha256
        with self._uow.transaction() as store:
            if store.issued_reports.record_file(report, key, sha256):
                now, subject = self._uow.clock.now(), report.audit_subject
                detail = {"night": report.night.isoformat(), "number": report.number, "sha256": sha256}
                store.audit_log.record(now, SERVICE_ACTOR, REPORT_FILE_WRITTEN, subject=subject, **detail)


def issued_tables(report: IssuedReport, rules: RuleBook) -> list[ReportTable]:
    """The tables of a report, or of an amendment, as it was issued."""
    return amendment_tables(report, rules) if report.number else daily_tables(issued_content(report), rules)
