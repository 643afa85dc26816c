"""What a handler, a job and a check at the moment of sending are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schedules.rules import RuleBook
from storage.store import Store


@dataclass(frozen=True)
class Context:
    """What is stored (one transaction), the rules agreed, and the instant (aware) that counts as now."""

    store: Store
    rules: RuleBook
    now: datetime
