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

from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.notify import was_in_service
from schedules.patrol_night import night_instant, submission_window
from storage import report_queries
from storage.notices import NoticeDraft

COMPLETENESS_FACT, MONITOR_FACT = "self_audit", "outside_watcher"
# What is not accounted for yet is counted again, but not on every tick.
_AGAIN = timedelta(minutes=1)
# A watcher that is told a day late would take it for the next morning.
_GOOD_FOR = timedelta(hours=12)


@dataclass(frozen=True)
class Completeness:
    """What one night came to. `due` are reminders that were decided and not overtaken by a film; `waves` those that
    the clock called for, `held` and `sent_out` ones included."""

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
        """For the record."""
        return " ".join(f"{name}={int(value)}" for name, value in asdict(self).items())


def check_completeness(ctx: Context) -> None:
    """From the daily report on, count the night until all is accounted for, at the longest until 补报截止."""
    night = ctx.now.astimezone(ctx.rules.zone).date()
    key, report = f"self-audit/{night}", f"daily-report/{night}"
    if ctx.store.facts.decided([key, report]) != {report} or _is_fresh(
        ctx.store.facts.read_fact(COMPLETENESS_FACT), night, ctx.now
    ):
        return
    found = count_completeness(ctx, night)
    counts = {"night": night.isoformat(), "at": ctx.now.isoformat(), "ok": found.is_complete, **asdict(found)}
    ctx.store.facts.store_fact(COMPLETENESS_FACT, counts)
    if found.is_complete or ctx.now > submission_window(night, ctx.rules).late_until:
        ctx.store.facts.decide(key, ctx.now, found.summary)
    watcher = ctx.store.facts.read_fact(MONITOR_FACT)
    if found.is_complete and watcher and watcher["enabled"]:
        params = {**asdict(found), "night": f"{night:%m-%d}"}
        ctx.store.notices.add_for_external_monitor(
            NoticeDraft(
                "system", "self_audit.summary", key, night, ctx.now, params=params, expires_at=ctx.now + _GOOD_FOR
            )
        )


def _is_fresh(fact: dict[str, Any] | None, night: date, now: datetime) -> bool:
    if fact is None or fact["night"] != night.isoformat():
        return False
    return timedelta(0) <= now - datetime.fromisoformat(fact["at"]) < _AGAIN


def count_completeness(ctx: Context, night: date) -> Completeness:
    """A night as it is accounted for at an instant."""
    counts = judge_night(ctx, night).counts
    said = report_queries.notice_counts(ctx.store.session, night, ctx.now)
    reminders = _of("reminder", said) - Counter(cancelled=_of("reminder", said)["cancelled"])
    waves = _waves_due(ctx, night)
    reports = _of("report", said)
    return Completeness(
        expected=counts["expected"],
        judged=counts["expected"] - counts["exempt"] - counts["unjudged"],
        exempt=counts["exempt"],
        waves=len(waves),
        waves_decided=len(report_queries.decided_otherwise(ctx.store.session, waves, outcome="missed")),
        reminders_due=reminders.total(),
        reminders_sent=reminders["sent"],
        unknown_outcomes=sum(number for (_, state), number in said.items() if state == "unknown"),
        report_sent=bool(reports["sent"]) and not reports["due"] and not reports["sending"],
    )


def _of(kind: str, said: dict[tuple[str, str], int]) -> Counter[str]:
    return Counter({state: number for (each, state), number in said.items() if each == kind})


def _waves_due(ctx: Context, night: date) -> list[str]:
    """The keys of the waves that should have been decided by now, as the reminders name them."""
    due = {wave: night_instant(night, wave, ctx.rules) for wave in ctx.rules.for_night(night).waves}
    return [
        f"wave/{night}/{wave:%H:%M}"
        for wave, instant in due.items()
        if instant <= ctx.now and was_in_service(ctx.store, instant)
    ]
