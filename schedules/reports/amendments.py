"""Changes that become known after a daily report was issued: a numbered amendment goes to the report's recipients.

The first one is due when the late period of the night ends. After that, the nights of the last month are checked once
a day, at the time of the daily report. A reader gets at most one amendment of a night per day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from schedules.context import Context
from schedules.notify import notify_people
from schedules.patrol_night import local_instant, submission_window
from schedules.reports.changes import Change, differences, short_change_text
from schedules.reports.daily import daily_report
from schedules.reports.issued import FILING_TIME, issue_report, issued_content, report_key
from schedules.rules import RuleBook
from storage.db.models import Notice, Person
from storage.notices import NoticeDraft

_LOOKED_AT = timedelta(days=31)
# Who did not get the report needs no amendment.
_HAD_THE_REPORT = {"due", "sending", "sent", "unknown"}


def amend_daily_reports(ctx: Context) -> None:
    """Issue what is to be corrected in one night; further nights have their turn in the next ticks."""
    nights = [night for night in ctx.store.issued_reports.nights_since(ctx.today - _LOOKED_AT) if _is_due(night, ctx)]
    decided = ctx.store.facts.decided([_key(night, ctx) for night in nights])
    night = next((night for night in nights if _key(night, ctx) not in decided), None)
    if night is not None and ctx.store.facts.decide(_key(night, ctx), ctx.now):
        _amend(night, ctx)


def _key(night: date, ctx: Context) -> str:
    return f"daily-amendment/{night}/{ctx.today}"


def _is_due(night: date, ctx: Context) -> bool:
    late_until = submission_window(night, ctx.rules).late_until + FILING_TIME
    if night == ctx.today:
        return late_until <= ctx.now
    report_time = ctx.rules.for_night(ctx.today).daily_report_time
    return max(late_until, local_instant(ctx.today, report_time, ctx.rules)) <= ctx.now


def _amend(night: date, ctx: Context) -> None:
    latest = ctx.store.issued_reports.latest(night)
    assert latest is not None
    report = daily_report(ctx, night)
    changes = differences(issued_content(latest), report)
    if changes:
        amendment = issue_report(report, changes, ctx)
        _add_notices(night, amendment.number, ctx)


def _add_notices(night: date, number: int, ctx: Context) -> None:
    drafts = [
        (
            person,
            NoticeDraft(
                kind="report",
                text_key="amendment.notice",
                once_key=f"daily-amendment/{night}/{number}/{person.id}",
                night=night,
                due_at=ctx.now,
                params={"number": number, "report": night.isoformat()},
                check_name="amendment",
            ),
        )
        for person in _readers(night, ctx)
    ]
    notify_people(drafts, ctx.store)


def _readers(night: date, ctx: Context) -> list[Person]:
    notices = ctx.store.notices.of_night(night)
    had = {
        notice.person_id
        for notice in notices
        if notice.once_key.startswith(f"{report_key(night)}/") and notice.state in _HAD_THE_REPORT
    }
    people = (ctx.store.register.person(person_id) for person_id in sorted(each for each in had if each is not None))
    return [person for person in people if person is not None]


def check_amendment(notice: Notice, ctx: Context) -> dict[str, Any] | None:
    """The corrections, one line for the county and for each enterprise, with both values of each."""
    amendment = ctx.store.issued_reports.get(notice.night, notice.params["number"])
    original = ctx.store.issued_reports.get(notice.night)
    if amendment is None or original is None:
        return None
    changes = [Change(**each) for each in amendment.changes]
    return {
        **notice.params,
        "night": f"{notice.night:%m-%d}",
        "issued_at": _local(original.issued_at, ctx.rules),
        "lines": amendment_lines(changes, ctx.rules),
    }


def amendment_lines(changes: Iterable[Change], rules: RuleBook) -> list[dict[str, Any]]:
    """One line for the county and for each enterprise, as text parameters."""
    by_enterprise: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for change in changes:
        by_enterprise[change.enterprise].append(short_change_text(change, rules))
    county = {"say": "amendment.county"}
    return [
        {"say": "report.amended", "name": county if name is None else name, "changes": texts}
        for name, texts in by_enterprise.items()
    ]


def _local(instant: datetime, rules: RuleBook) -> str:
    return f"{instant.astimezone(rules.zone):%m-%d %H:%M}"
