"""What people did by hand is sealed within a tick: from then on it cannot be altered unnoticed."""

from __future__ import annotations

from datetime import datetime

from schedules.rules import RuleBook
from storage.store import Store


def seal_audit_log(store: Store, rules: RuleBook, now: datetime) -> None:
    """Seal the fresh entries of the trail; the timetable calls each job one at a time."""
    store.audit_log.seal_new(now)
