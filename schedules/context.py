"""What a handler, a job and a check at the moment of sending receive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.store import Store


@dataclass(frozen=True)
class Context:
    """The stored state (one transaction), the agreed rules, and the instant (aware) that counts as now."""

    store: Store
    rules: RuleBook
    now: datetime

    @cached_property
    def night(self) -> date:
        """The night that `now` belongs to."""
        return night_of(self.now, self.rules)

    @property
    def today(self) -> date:
        """The calendar date in the county's zone."""
        return self.rules.local_date(self.now)


def load_rule_book(store: Store, zone: ZoneInfo) -> RuleBook:
    """The agreed rules and all outages, some of which extend a submission window."""
    return RuleBook(zone, store.register.rules(), store.outages.all())
