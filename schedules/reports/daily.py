"""The daily report of a night: every enterprise in exactly one state, and who was on duty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from schedules.context import Context
from schedules.judgement import EnterpriseJudgement
from schedules.night_judgement import judge_night
from schedules.notify import notify_person, was_in_service
from schedules.patrol_night import ONE_DAY, SubmissionWindow, local_instant, shift_day_of_night, submission_window
from schedules.reports.tallies import pushes_by_kind, year_bounds
from schedules.review.night_review import night_review, review_deadline
from schedules.review.tally import NOTHING_TO_REVIEW, ReviewTally, tally_review
from schedules.rules import RuleBook
from storage.db.models import Notice, Person, Submission
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

# A film sent at the last moment is filed within this time.
_FILING_TIME = timedelta(minutes=1)
_LISTED_STATES = ("missing", "partial", "late", "unjudged")


@dataclass(frozen=True)
class ReportRow:
    """One enterprise's night; instants are aware, None when nothing was received."""

    code: str
    name: str
    risk: str | None
    state: str
    due: int
    done: int
    first_at: datetime | None
    last_at: datetime | None
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    review: ReviewTally = NOTHING_TO_REVIEW


@dataclass(frozen=True)
class DailyReport:
    """One night for the office: the counts always add up to `counts["expected"]`."""

    night: date
    window: SubmissionWindow
    issued_at: datetime
    counts: dict[str, int]
    rows: tuple[ReportRow, ...]
    leaders: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    reminders_sent: int = 0
    pushes: dict[str, int] = field(default_factory=dict)
    unattributed: int = 0
    quarantined: int = 0
    review: ReviewTally = NOTHING_TO_REVIEW
    audit_log_head: str | None = None


def add_daily_report_notices(ctx: Context) -> None:
    """In the morning, send the report of the night to the people on duty and the office, as text and as a file.

    A night whose window an outage has extended is reported after it has closed. One missed through downtime that
    lasted past midnight is made up for; older ones are not.
    """
    for night in (ctx.today - ONE_DAY, ctx.today):
        due = max(
            local_instant(night, ctx.rules.for_night(night).daily_report_time, ctx.rules),
            submission_window(night, ctx.rules).closes + _FILING_TIME,
        )
        key = f"daily-report/{night}"
        if due <= ctx.now and was_in_service(ctx.store, due) and ctx.store.facts.decide(key, ctx.now):
            _add_notices(night, key, due, ctx)


def _add_notices(night: date, key: str, due: datetime, ctx: Context) -> None:
    for person in _readers(ctx.store, night):
        for form, text_key in ((NoticeForm.TEXT, "report.daily"), (NoticeForm.REPORT_FILE, "report.daily_file")):
            draft = NoticeDraft(
                kind="report",
                text_key=text_key,
                once_key=f"{key}/{person.id}/{form}",
                night=night,
                due_at=due,
                params={"issued_at": ctx.now.isoformat()},
                form=form,
                check_name="report",
            )
            notify_person(person, draft, ctx.store)


def _readers(store: Store, night: date) -> list[Person]:
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    people = [*posts["leader"], *posts["backup"], *posts["staff"], *store.register.office_staff()]
    return list({person.id: person for person in people}.values())


def daily_report(ctx: Context, night: date) -> DailyReport:
    """The report of a night as it stood at `ctx.now`."""
    store = ctx.store
    submissions = [each for each in store.submissions.of_night(night) if each.received_at <= ctx.now]
    by_enterprise: dict[int | None, list[Submission]] = defaultdict(list)
    for each in submissions:
        by_enterprise[each.enterprise_id].append(each)
    judgement, review = judge_night(ctx, night), night_review(ctx, night)
    rows = [
        _row(judged, by_enterprise[judged.enterprise.id], tally_review(review, judged.enterprise.id))
        for judged in judgement.enterprises
    ]
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    head = store.audit_log.head()
    return DailyReport(
        night,
        submission_window(night, ctx.rules),
        ctx.now,
        judgement.counts,
        tuple(rows),
        leaders=_names(posts["leader"]),
        backups=_names(posts["backup"]),
        staff=_names(posts["staff"]),
        reminders_sent=sum(
            notice.kind == "reminder" and notice.state == "sent" for notice in store.notices.of_night(night)
        ),
        pushes=pushes_by_kind(store, year_bounds(night)[0], night),
        unattributed=sum(each.attribution == "unattributed" and each.state == "filed" for each in submissions),
        quarantined=sum(each.attribution == "quarantined" for each in submissions),
        review=tally_review(review),
        audit_log_head=str(head) if head else None,
    )


def _row(judged: EnterpriseJudgement, submissions: Sequence[Submission], review: ReviewTally) -> ReportRow:
    enterprise, filed = judged.enterprise, [each for each in submissions if each.state == "filed"]
    return ReportRow(
        code=enterprise.code,
        name=enterprise.name,
        risk=enterprise.risk,
        state=judged.state,
        due=len(enterprise.due_parts),
        done=len(enterprise.due_parts) - len(judged.missing_parts),
        first_at=min((film.sent_at for film in filed), default=None),
        last_at=max((film.sent_at for film in filed), default=None),
        missing=tuple(part.label for part in judged.missing_parts),
        remarks=_remarks(submissions, filed),
        review=review,
    )


def _remarks(submissions: Sequence[Submission], filed: Sequence[Submission]) -> tuple[str, ...]:
    """The marks of the films; where only photos came, that: a photo does not replace a film."""
    if not filed:
        return ("photo_only",) if any(each.state == "supporting" for each in submissions) else ()
    return tuple(dict.fromkeys(mark for film in filed for mark in film.marks))


def _names(people: list[Person]) -> tuple[str, ...]:
    return tuple(person.name for person in people)


def check_daily_report(notice: Notice, ctx: Context) -> dict[str, Any]:
    """The report in a few lines, the worst state first, as of the instant at which it was issued."""
    issued_at = datetime.fromisoformat(notice.params["issued_at"])
    report = daily_report(replace(ctx, now=issued_at), notice.night)
    by_state = {state: [row.name for row in report.rows if row.state == state] for state in _LISTED_STATES}
    lines = [
        {"say": f"report.{state}", "names": names, "count": len(names)} for state, names in by_state.items() if names
    ]
    lines = lines or [{"say": "report.all_on_time"}]
    if report.review.due:
        lines.append(_review_line(report, ctx.rules))
    if report.window.extension:
        lines.insert(0, {"say": "report.outage", "closes": ctx.rules.clock_time(report.window.closes)})
    if report.audit_log_head:
        lines.append({"say": "report.audit_log_head", "head": report.audit_log_head})
    return {**notice.params, **report.counts, "night": f"{notice.night:%m-%d}", "lines": lines}


def _review_line(report: DailyReport, rules: RuleBook) -> dict[str, Any]:
    """What the office itself left undone, beside what the enterprises did."""
    review = report.review
    counts = {"due": review.due, "done": review.done, "minutes": round(review.watched_s / 60)}
    if not review.pending:
        return {"say": "report.review_complete", **counts}
    until = rules.clock_time(review_deadline(report.night, rules))
    return {
        "say": "report.review_incomplete",
        **counts,
        "remaining": len(review.pending),
        "receipts": list(review.pending),
        "until": until,
    }
