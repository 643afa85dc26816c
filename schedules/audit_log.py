"""Whether the audit log is whole: every seal, and every head that an issued report has shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.audit_log import REPORT_FILE_WRITTEN, REPORT_ISSUED, ChainHead, parse_head
from storage.db.models import IssuedReport
from storage.issued_reports import content_digest
from storage.store import Store


@dataclass(frozen=True)
class AuditLogCheck:
    """`length` seals hold; the first that does not is at `broken_at`, None when all hold.

    `continues` tells whether the log contains `expected`, a head that the caller knows from elsewhere;
    `contradicted_reports` are the subjects of issued reports that do not agree with the log.
    """

    head: ChainHead | None
    length: int
    broken_at: int | None
    expected: ChainHead | None = None
    continues: bool | None = None
    contradicted_reports: tuple[str, ...] = ()

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The faults as text parameters; empty without any."""
        faults: list[dict[str, Any]] = []
        if self.broken_at is not None:
            faults.append({"say": "audit_log.broken", "position": self.broken_at})
        if self.expected is not None and not self.continues:
            faults.append({"say": "audit_log.not_continued", "head": str(self.expected)})
        if self.contradicted_reports:
            faults.append({"say": "audit_log.reports_contradicted", "reports": list(self.contradicted_reports)})
        return faults


def check_audit_log(store: Store, expected: ChainHead | None = None) -> AuditLogCheck:
    """Recompute the whole log, and look for `expected` in it."""
    chain, log = store.audit_log.verify(), store.audit_log
    continues = None if expected is None else log.continues(expected)
    contradicted = _contradicted_reports(store)
    return AuditLogCheck(log.head(), chain.valid_count, chain.broken_at, expected, continues, contradicted)


def _contradicted_reports(store: Store) -> tuple[str, ...]:
    """The issued reports whose head the log does not continue, and what is not what the log says was issued."""
    recorded = store.audit_log.details_by_subject((REPORT_ISSUED, REPORT_FILE_WRITTEN))
    agrees = dict.fromkeys(recorded, False)
    for report in store.issued_reports.all():
        agrees[report.audit_subject] = _agrees(report, recorded.get(report.audit_subject, {}), store)
    for file in store.issued_reports.all_files():
        written = recorded.get(file.audit_subject, {}).get(REPORT_FILE_WRITTEN, {})
        agrees[file.audit_subject] = written.get("sha256") == file.sha256
    return tuple(sorted(subject for subject, whole in agrees.items() if not whole))


def _agrees(report: IssuedReport, details: Mapping[str, Mapping[str, Any]], store: Store) -> bool:
    issued = details.get(REPORT_ISSUED, {})
    if issued.get("content_digest") != content_digest(report.content) or issued.get("head") != report.audit_log_head:
        return False
    return report.audit_log_head is None or store.audit_log.continues(parse_head(report.audit_log_head))
