"""The timetable: what is looked at on every tick, and the clock that ticks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from schedules.alerts.escalation import escalate_alerts, open_duty_alerts
from schedules.audit_log import seal_audit_log
from schedules.completeness_check import check_completeness
from schedules.content import push_content
from schedules.context import Context
from schedules.deadlines import check_duty_roster, close_nights
from schedules.outage_notices import load_rule_book, notify_outages
from schedules.readiness_checks import check_reachability
from schedules.reminders import decide_reminder_waves
from schedules.reports.daily import add_daily_report_notices
from schedules.review.night_review import close_reviews
from storage.store import Store

Job = Callable[[Context], None]
log = logging.getLogger(__name__)

JOBS: dict[str, Job] = {
    "outages": notify_outages,
    "reminder waves": decide_reminder_waves,
    "duty alerts": open_duty_alerts,
    "escalation": escalate_alerts,
    "roster": check_duty_roster,
    "reachability": check_reachability,
    "daily report": add_daily_report_notices,
    "daily push": push_content,
    "closing": close_nights,
    "review": close_reviews,
    "self-audit": check_completeness,
    "trail": seal_audit_log,
}


def tick(transaction: Callable[[], AbstractContextManager[Store]], zone: ZoneInfo, now: datetime) -> list[str]:
    """Ask every job what is due by now and not yet decided; the names of those that failed.

    A job that fails is asked again on the next tick and keeps no other from its work.
    """
    failed = []
    with transaction() as store:
        rules = load_rule_book(store, zone)
    for name, job in JOBS.items():
        try:
            with transaction() as store:
                store.lock_for_transaction(f"timetable/{name}")
                job(Context(store, rules, now))
        except Exception:
            log.exception("the job %r failed", name)
            failed.append(name)
    return failed


class _Steady(BackgroundScheduler):  # type: ignore[misc]
    """Goes on when the machine's clock is put back; the library would wait until it has caught up."""

    def __init__(self, now: Callable[[], datetime], zone: ZoneInfo) -> None:
        super().__init__(timezone=zone)
        self._now = now

    def _process_jobs(self) -> float | None:
        now = self._now()
        for job in self.get_jobs():
            if job.next_run_time > now + job.trigger.interval:
                job.modify(next_run_time=now)
        wait_s: float | None = super()._process_jobs()
        return wait_s


def start_timetable(
    calls: Iterable[tuple[Callable[[], object], timedelta]], zone: ZoneInfo, now: Callable[[], datetime]
) -> BackgroundScheduler:
    """Make each call again and again until the scheduler is shut down; a late one makes up for those missed.

    `now` is the clock of the machine, by which the library goes.
    """
    scheduler = _Steady(now, zone)
    for call, every in calls:
        scheduler.add_job(
            call, "interval", seconds=every.total_seconds(), misfire_grace_time=None, coalesce=True, max_instances=1
        )
    scheduler.start()
    return scheduler
