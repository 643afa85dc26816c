"""Whether the audit log is whole: every seal, and every head that an issued report has shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.audit_log import ChainHead
from storage.store import Store


@dataclass(frozen=True)
class AuditLogCheck:
    """`length` seals hold; the first that does not is at `broken_at`, None when all hold.

    `continues` tells whether the log contains `expected`, a head that the caller knows from elsewhere.
    """

    head: ChainHead | None
    length: int
    broken_at: int | None
    expected: ChainHead | None = None
    continues: bool | None = None

    @property
    def faults(self) -> list[dict[str, Any]]:
        """What is wrong, as text parameters; empty when nothing is."""
        faults: list[dict[str, Any]] = []
        if self.broken_at is not None:
            faults.append({"say": "audit_log.broken", "position": self.broken_at})
        if self.expected is not None and not self.continues:
            faults.append({"say": "audit_log.not_continued", "head": str(self.expected)})
        return faults


def check_audit_log(store: Store, expected: ChainHead | None = None) -> AuditLogCheck:
    """Recompute the whole log, and look for `expected` in it."""
    chain, log = store.audit_log.verify(), store.audit_log
    continues = None if expected is None else log.continues(expected)
    return AuditLogCheck(log.head(), chain.valid_count, chain.broken_at, expected, continues)
