"""The morning's self-audit: did everything that was due last night really happen?

expected = judged + exempt, waves and reminders due = left, nothing whose fate is unknown, and the daily report gone.
One line of it stands on record; when all is accounted for, an outside watcher is told. That the watcher is *not* told
is the alarm: it is raised by a machine that lives when this one does not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from schedules.night_judgement import judged
from schedules.notify import awake_at
from schedules.patrol_night import moment, window
from schedules.rules import RuleBook
from storage import report_queries
from storage.notices import Saying
from storage.store import Store

FACT, WATCHER = "audit", "watcher"
# What is not accounted for yet is counted again, but not on every tick.
_AGAIN = timedelta(minutes=1)
# A watcher that is told a day late would take it for the next morning.
_GOOD_FOR = timedelta(hours=12)


@dataclass(frozen=True)
class Audit:
    """What one night came to. `due` are reminders that were decided and not overtaken by a film; `waves` those that
    the clock called for, `held` and `sent_out` ones included."""

    expected: int
    judged: int
    exempt: int
    waves: int
    waves_decided: int
    due: int
    left: int
    unknown: int
    reported: bool

    @property
    def is_well(self) -> bool:
        """Whether everything is accounted for."""
        return (
            self.expected == self.judged + self.exempt
            and self.waves == self.waves_decided
            and self.due == self.left
            and not self.unknown
            and self.reported
        )

    @property
    def line(self) -> str:
        """For the record."""
        return " ".join(f"{name}={int(value)}" for name, value in asdict(self).items())


def audit_night(store: Store, rules: RuleBook, now: datetime) -> None:
    """From the daily report on, count the night until all is accounted for, at the longest until 补报截止."""
    night = now.astimezone(rules.zone).date()
    key, report = f"audit/{night}", f"report/{night}"
    if store.records.decided([key, report]) != {report} or _is_fresh(store.records.fact(FACT), night, now):
        return
    found = audit(store, night, rules, now)
    counts = {"night": night.isoformat(), "at": now.isoformat(), "well": found.is_well, **asdict(found)}
    store.records.set_fact(FACT, counts)
    if found.is_well or now > window(night, rules).late_until:
        store.records.decide(key, now, found.line)
    watcher = store.records.fact(WATCHER)
    if found.is_well and watcher and watcher["on"]:
        params = {**asdict(found), "night": f"{night:%m-%d}"}
        store.notices.to_watcher(
            Saying("system", "audit.line", key, night, now, params=params, expires_at=now + _GOOD_FOR)
        )


def _is_fresh(fact: dict[str, Any] | None, night: date, now: datetime) -> bool:
    if fact is None or fact["night"] != night.isoformat():
        return False
    return timedelta(0) <= now - datetime.fromisoformat(fact["at"]) < _AGAIN


def audit(store: Store, night: date, rules: RuleBook, now: datetime) -> Audit:
    """A night as it is accounted for at an instant."""
    counts = judged(store, night, rules, now).counts
    said = report_queries.notices(store.session, night, now)
    reminders = _of("reminder", said) - Counter(cancelled=_of("reminder", said)["cancelled"])
    waves = _waves_due(store, night, rules, now)
    reports = _of("report", said)
    return Audit(
        expected=counts["expected"],
        judged=counts["expected"] - counts["exempt"] - counts["unjudged"],
        exempt=counts["exempt"],
        waves=len(waves),
        waves_decided=len(report_queries.decisions(store.session, waves, besides="slept through")),
        due=reminders.total(),
        left=reminders["sent"],
        unknown=sum(number for (_, state), number in said.items() if state == "unknown"),
        reported=bool(reports["sent"]) and not reports["due"] and not reports["sending"],
    )


def _of(kind: str, said: dict[tuple[str, str], int]) -> Counter[str]:
    return Counter({state: number for (each, state), number in said.items() if each == kind})


def _waves_due(store: Store, night: date, rules: RuleBook, now: datetime) -> list[str]:
    """The keys of the waves that should have been decided by now, as the reminders name them."""
    due = {wave: moment(night, wave, rules) for wave in rules.on(night).waves}
    return [
        f"wave/{night}/{wave:%H:%M}" for wave, instant in due.items() if instant <= now and awake_at(store, instant)
    ]
