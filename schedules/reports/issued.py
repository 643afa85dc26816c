"""The daily report is issued once and is not changed by anything that becomes known later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from schedules.context import Context
from schedules.notify import notify_people, was_in_service
from schedules.patrol_night import ONE_DAY, local_instant, shift_day_of_night, submission_window
from schedules.reports.changes import Change
from schedules.reports.daily import DailyReport, daily_report
from schedules.reports.daily_summary import daily_summary
from storage.audit_log import REPORT_ISSUED, SERVICE_ACTOR
from storage.db.models import IssuedReport, Notice, Person
from storage.issued_reports import content_digest
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

# A film sent at the last moment is filed within this time.
FILING_TIME = timedelta(minutes=1)
_CONTENT = TypeAdapter(DailyReport)


def issue_daily_reports(ctx: Context) -> None:
    """In the morning, issue the report of the night to the people on duty and the office, as text and as a file.

    A night whose window an outage has extended is reported after it has closed. One missed through downtime that
    lasted past midnight is made up for; older ones are not.
    """
    for night in (ctx.today - ONE_DAY, ctx.today):
        due = max(
            local_instant(night, ctx.rules.for_night(night).daily_report_time, ctx.rules),
            submission_window(night, ctx.rules).closes + FILING_TIME,
        )
        key = report_key(night)
        if due <= ctx.now and was_in_service(ctx.store, due) and ctx.store.facts.decide(key, ctx.now):
            issue_report(daily_report(ctx, night), (), ctx)
            _add_notices(night, due, ctx)


def issue_report(report: DailyReport, changes: Sequence[Change], ctx: Context) -> IssuedReport:
    """Store what is issued, and its digests in the audit log."""
    content = _CONTENT.dump_python(report, mode="json")
    listed = [asdict(change) for change in changes]
    issued = ctx.store.issued_reports.add(report.night, content, ctx.now, report.audit_log_head, listed)
    ctx.store.audit_log.record(
        ctx.now,
        SERVICE_ACTOR,
        REPORT_ISSUED,
        subject=issued.audit_subject,
        night=report.night.isoformat(),
        number=issued.number,
        head=report.audit_log_head,
        films_digest=report.films_digest,
        content_digest=content_digest(content),
    )
    return issued


def issued_content(issued: IssuedReport) -> DailyReport:
    """The report as it was issued."""
    return _CONTENT.validate_python(issued.content)


def current_daily_report(ctx: Context, night: date) -> DailyReport:
    """The report as it was issued; before that, as it would be now."""
    issued = ctx.store.issued_reports.get(night)
    return issued_content(issued) if issued else daily_report(ctx, night)


def report_key(night: date) -> str:
    """The decision to issue it; the once-keys of its notices begin so."""
    return f"daily-report/{night}"


def _add_notices(night: date, due: datetime, ctx: Context) -> None:
    drafts = [
        (
            person,
            NoticeDraft(
                kind="report",
                text_key=text_key,
                once_key=f"{report_key(night)}/{person.id}/{form}",
                night=night,
                due_at=due,
                params={"number": 0, "report": night.isoformat()},
                form=form,
                check_name="report",
            ),
        )
        for person in _readers(ctx.store, night)
        for form, text_key in ((NoticeForm.TEXT, "report.daily"), (NoticeForm.REPORT_FILE, "report.daily_file"))
    ]
    notify_people(drafts, ctx.store)


def _readers(store: Store, night: date) -> list[Person]:
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    people = [*posts["leader"], *posts["backup"], *posts["staff"], *store.register.office_staff()]
    return list({person.id: person for person in people}.values())


def check_daily_report(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The report in two lines, as it was issued."""
    issued = ctx.store.issued_reports.get(notice.night)
    return {**notice.params, **daily_summary(issued_content(issued), ctx.rules)} if issued else None
