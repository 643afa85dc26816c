"""The morning's self-check: did everything that was due last night really happen?

expected = judged + exempt, all waves decided, all reminders sent, no notice with an unknown outcome, the daily
report sent. When all of that holds, an external monitor gets a message. The missing message is the alarm: the
monitor runs on a machine that is up when this one is down.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.notify import was_in_service
from schedules.patrol_night import night_instant, submission_window
from schedules.reminders import SKIPPED_WAVE, wave_key
from storage import report_queries
from storage.notices import NoticeDraft

COMPLETENESS_FACT, MONITOR_FACT = "self_audit", "outside_watcher"
_RECOUNT_AFTER = timedelta(minutes=1)
# A day late, the monitor would take the message for the next morning's.
_MESSAGE_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Completeness:
    """The counts of one night. `reminders_due` leaves out those cancelled because the film came; `waves` are all that
    fell due, including those held back or without a recipient."""

    expected: int
    judged: int
    exempt: int
    waves: int
    waves_decided: int
    reminders_due: int
    reminders_sent: int
    unknown_outcomes: int
    report_sent: bool

    @property
    def is_complete(self) -> bool:
        """Whether everything is accounted for."""
        return (
            self.expected == self.judged + self.exempt
            and self.waves == self.waves_decided
            and self.reminders_due == self.reminders_sent
            and not self.unknown_outcomes
            and self.report_sent
        )

    @property
    def summary(self) -> str:
        """The counts in one line."""
        return " ".join(f"{name}={int(value)}" for name, value in asdict(self).items())


def check_completeness(ctx: Context) -> None:
    """From the daily report on, recount the night until it is complete, at the longest until its late period ends."""
    night, facts = ctx.today, ctx.store.facts
    key, report_key = f"self-audit/{night}", f"daily-report/{night}"
    if facts.decided([key, report_key]) != {report_key}:
        return
    if _is_recent(facts.read_fact(COMPLETENESS_FACT), night, ctx.now):
        return
    completeness = count_completeness(ctx, night)
    record = asdict(completeness)
    fact = {"night": night.isoformat(), "at": ctx.now.isoformat(), "ok": completeness.is_complete, **record}
    facts.store_fact(COMPLETENESS_FACT, fact)
    if completeness.is_complete or ctx.now > submission_window(night, ctx.rules).late_until:
        facts.decide(key, ctx.now, completeness.summary)
    monitor = facts.read_fact(MONITOR_FACT)
    if completeness.is_complete and monitor and monitor["enabled"]:
        params, expires_at = {**record, "night": f"{night:%m-%d}"}, ctx.now + _MESSAGE_LIFETIME
        ctx.store.notices.add_for_external_monitor(
            NoticeDraft("system", "self_audit.summary", key, night, ctx.now, params=params, expires_at=expires_at)
        )


def _is_recent(fact: dict[str, Any] | None, night: date, now: datetime) -> bool:
    if fact is None or fact["night"] != night.isoformat():
        return False
    return timedelta(0) <= now - datetime.fromisoformat(fact["at"]) < _RECOUNT_AFTER


def count_completeness(ctx: Context, night: date) -> Completeness:
    """The counts of a night as of now."""
    session = ctx.store.session
    states = judge_night(ctx, night).counts
    notices = report_queries.notice_counts(session, night, ctx.now)
    reminders, reports = _states_of("reminder", notices), _states_of("report", notices)
    waves = _due_wave_keys(ctx, night)
    return Completeness(
        expected=states["expected"],
        judged=states["expected"] - states["exempt"] - states["unjudged"],
        exempt=states["exempt"],
        waves=len(waves),
        waves_decided=len(report_queries.decided_otherwise(session, waves, outcome=SKIPPED_WAVE)),
        reminders_due=reminders.total() - reminders["cancelled"],
        reminders_sent=reminders["sent"],
        unknown_outcomes=sum(count for (_, state), count in notices.items() if state == "unknown"),
        report_sent=bool(reports["sent"]) and not reports["due"] and not reports["sending"],
    )


def _states_of(kind: str, notices: dict[tuple[str, str], int]) -> Counter[str]:
    return Counter({state: count for (each, state), count in notices.items() if each == kind})


def _due_wave_keys(ctx: Context, night: date) -> list[str]:
    instants = {wave: night_instant(night, wave, ctx.rules) for wave in ctx.rules.for_night(night).waves}
    return [
        wave_key(night, wave)
        for wave, instant in instants.items()
        if instant <= ctx.now and was_in_service(ctx.store, instant)
    ]
