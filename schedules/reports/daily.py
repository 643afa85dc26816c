"""The daily table: every enterprise in exactly one state, and who was on duty."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.notify import notify_person, was_in_service
from schedules.patrol_night import ONE_DAY, SubmissionWindow, local_instant, shift_day_of_night, submission_window
from schedules.review.night_review import night_review, review_deadline
from schedules.review.tally import NOTHING_TO_REVIEW, ReviewTally, tally_review
from schedules.rules import RuleBook
from storage.db.models import Person, Submission
from storage.notices import NoticeDraft, NoticeForm
from storage.store import Store

# What was sent at the last moment is filed by then.
_SETTLED = timedelta(minutes=1)


@dataclass(frozen=True)
class ReportRow:
    """One enterprise's night; instants are aware, None when nothing came."""

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
    """In the morning, the table of the night goes to the leader and the office, as text and as a file.

    A night whose window an outage has put off is reported on when it has closed. One that was slept through
    until after midnight is made up for; older ones are not.
    """
    today = ctx.now.astimezone(ctx.rules.zone).date()
    for night in (today - ONE_DAY, today):
        due = max(
            local_instant(night, ctx.rules.for_night(night).daily_report_time, ctx.rules),
            submission_window(night, ctx.rules).closes + _SETTLED,
        )
        key = f"daily-report/{night}"
        if due <= ctx.now and was_in_service(ctx.store, due) and ctx.store.facts.decide(key, ctx.now):
            _issue(night, key, due, ctx.store, ctx.now)


def _issue(night: date, key: str, due: datetime, store: Store, now: datetime) -> None:
    for person in _readers(store, night):
        for form, text_key in ((NoticeForm.TEXT, "report.daily"), (NoticeForm.REPORT_FILE, "report.daily_file")):
            saying = NoticeDraft(
                kind="report",
                text_key=text_key,
                once_key=f"{key}/{person.id}/{form}",
                night=night,
                due_at=due,
                params={"issued_at": now.isoformat()},
                form=form,
                check_name="report",
            )
            notify_person(person, saying, store)


def _readers(store: Store, night: date) -> list[Person]:
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    people = [*posts["leader"], *posts["backup"], *posts["staff"], *store.register.office_staff()]
    return list({person.id: person for person in people}.values())


def daily_report(store: Store, night: date, rules: RuleBook, as_of: datetime) -> DailyReport:
    """The table of a night as it stood at an instant."""
    kept = [film for film in store.submissions.of_night(night) if film.received_at <= as_of]
    by_enterprise: dict[int | None, list[Submission]] = defaultdict(list)
    for film in kept:
        by_enterprise[film.enterprise_id].append(film)
    whole, review = judge_night(Context(store, rules, as_of), night), night_review(store, night, rules, as_of)
    rows = [
        ReportRow(
            code=each.enterprise.code,
            name=each.enterprise.name,
            risk=each.enterprise.risk,
            state=each.state,
            due=len(each.enterprise.due_parts),
            done=len(each.enterprise.due_parts) - len(each.missing_parts),
            first_at=min(_sent(by_enterprise[each.enterprise.id]), default=None),
            last_at=max(_sent(by_enterprise[each.enterprise.id]), default=None),
            missing=tuple(f"{part.number} {part.name}" for part in each.missing_parts),
            remarks=_remarks(by_enterprise[each.enterprise.id]),
            review=tally_review(review, each.enterprise.id),
        )
        for each in whole.enterprises
    ]
    posts = store.duty.people_on_shift(shift_day_of_night(night))
    return DailyReport(
        night,
        submission_window(night, rules),
        as_of,
        whole.counts,
        tuple(rows),
        leaders=_names(posts["leader"]),
        backups=_names(posts["backup"]),
        staff=_names(posts["staff"]),
        reminders_sent=sum(n.kind == "reminder" and n.state == "sent" for n in store.notices.of_night(night)),
        pushes=_pushes(store, night),
        unattributed=sum(film.attribution == "unattributed" and film.state == "filed" for film in kept),
        quarantined=sum(film.attribution == "quarantined" for film in kept),
        review=tally_review(review),
        audit_log_head=_trail_head(store, as_of),
    )


def _trail_head(store: Store, as_of: datetime) -> str | None:
    head = store.audit_log.head(as_of)
    return str(head) if head else None


def _sent(kept: list[Submission]) -> list[datetime]:
    return [film.sent_at for film in kept if film.state == "filed"]


def _remarks(kept: list[Submission]) -> tuple[str, ...]:
    """What was noted of the films; where only photos came, that (mission 4.5, case 10)."""
    if not _sent(kept):
        return ("photo_only",) if any(each.state == "supporting" for each in kept) else ()
    return tuple(dict.fromkeys(mark for film in kept if film.state == "filed" for mark in film.marks))


def _names(people: list[Person]) -> tuple[str, ...]:
    return tuple(person.name for person in people)


def _pushes(store: Store, day: date) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, kind, number in store.content.push_counts(day.replace(month=1, day=1), day):
        counts[kind] = counts.get(kind, 0) + number
    return counts


def check_daily_report(notice: Any, ctx: Context) -> dict[str, Any]:
    """The table in a few lines; worst first."""
    issued_at = datetime.fromisoformat(notice.params["issued_at"])
    report = daily_report(ctx.store, notice.night, ctx.rules, issued_at)
    named = {
        state: [row.name for row in report.rows if row.state == state]
        for state in ("missing", "partial", "late", "unjudged")
    }
    lines = [{"say": f"report.{state}", "names": names, "count": len(names)} for state, names in named.items() if names]
    lines = lines or [{"say": "report.all_on_time"}]
    if report.review.due:
        lines.append(_review_line(report, ctx.rules))
    if report.window.extension:
        closes = f"{report.window.closes.astimezone(ctx.rules.zone):%H:%M}"
        lines.insert(0, {"say": "report.outage", "closes": closes})
    if report.audit_log_head:
        lines.append({"say": "report.audit_log_head", "head": report.audit_log_head})
    return {
        **notice.params,
        **report.counts,
        "night": f"{notice.night:%m-%d}",
        "lines": lines,
    }


def _review_line(report: DailyReport, rules: RuleBook) -> dict[str, Any]:
    """The county's own gap, in the same table as the enterprises'."""
    review, until = report.review, f"{review_deadline(report.night, rules).astimezone(rules.zone):%H:%M}"
    facts = {"due": review.due, "done": review.done, "minutes": round(review.watched_s / 60)}
    if not review.pending:
        return {"say": "report.review_complete", **facts}
    names, left = list(review.pending), len(review.pending)
    return {"say": "report.review_incomplete", **facts, "remaining": left, "receipts": names, "until": until}
