"""The timetable: the jobs of every tick, and the clock that ticks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from schedules.alerts.escalation import escalate_alerts, open_duty_alerts
from schedules.completeness_check import check_completeness
from schedules.content import push_content
from schedules.context import Context, load_rule_book
from schedules.hazards.reminders import remind_of_deadlines, remind_of_interim_measures
from schedules.late_reminders import excuse_late_reminders
from schedules.misses import remind_before_night, report_repeated_misses
from schedules.night_judgement import close_nights
from schedules.outage_notices import notify_outages
from schedules.readiness_checks import check_duty_roster, check_reachability
from schedules.reminders import decide_reminder_waves
from schedules.reports.amendments import amend_daily_reports
from schedules.reports.issued import issue_daily_reports
from schedules.review.night_review import close_reviews
from storage.store import Store

Job = Callable[[Context], None]
log = logging.getLogger(__name__)

JOBS: dict[str, Job] = {
    "outage notices": notify_outages,
    "reminder waves": decide_reminder_waves,
    "late reminders": excuse_late_reminders,
    "duty alerts": open_duty_alerts,
    "escalation": escalate_alerts,
    "roster check": check_duty_roster,
    "reachability check": check_reachability,
    "daily report": issue_daily_reports,
    "daily report amendments": amend_daily_reports,
    "daily push": push_content,
    "reminder before the night": remind_before_night,
    "repeated misses": report_repeated_misses,
    "hazard deadlines": remind_of_deadlines,
    "hazard interim measures": remind_of_interim_measures,
    "close nights": close_nights,
    "review deadline": close_reviews,
    "self-audit": check_completeness,
}


def tick(
    transaction: Callable[[], AbstractContextManager[Store]],
    zone: ZoneInfo,
    now: datetime,
    jobs: Mapping[str, Job] = JOBS,
) -> list[str]:
    """Let every job decide what is due by now and not yet decided; the names of the failed jobs.

    A job that fails runs again on the next tick, and does not keep the others from running.
    """
    failed = []
    with transaction() as store:
        rules = load_rule_book(store, zone)
    for name, job in jobs.items():
        try:
            with transaction() as store:
                store.lock_for_transaction(f"job/{name}")
                job(Context(store, rules, now))
            log.info("the job %r works again", name, extra={"trouble_over": f"job {name}"})
        except Exception:
            log.exception("the job %r failed", name, extra={"trouble": f"job {name}"})
            failed.append(name)
    return failed


class Timetable:
    """The clock that calls the tick: APScheduler, in memory, without persistent state."""

    def __init__(self, call: Callable[[], object], every: timedelta, zone: ZoneInfo) -> None:
        self._scheduler = BackgroundScheduler(timezone=zone)
        self._scheduler.add_job(
            call, "interval", seconds=every.total_seconds(), misfire_grace_time=None, coalesce=True, max_instances=1
        )
        self._scheduler.start()

    def call_now(self, now: datetime) -> None:
        """Call at once, and from then on as usual; `now` is the wall clock.

        When the wall clock was put back, APScheduler would wait until it has caught up.
        """
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=now)

    def stop(self) -> None:
        """Wait for a running call, and make no further one."""
        self._scheduler.shutdown()
