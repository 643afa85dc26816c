"""Reminders that left late, or never, by our own fault: what the enterprise then sends late is not counted late.

Decided once, when the window of a night is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from schedules.context import Context
from schedules.judgement import ExpectedEnterprise
from schedules.night_judgement import judge_night
from schedules.notify import notify_office, was_in_service
from schedules.patrol_night import ONE_DAY, SubmissionWindow, night_instant, submission_window
from schedules.reminders import wave_key
from storage.db.models import Notice, Submission
from storage.delivery_causes import CAUSES_AT_RECIPIENT
from storage.notice_log import NoticeLog

# A wave may wait for unhandled messages and for the rate limit of its route.
_ON_TIME_WITHIN = timedelta(minutes=15)
# A wave that was due, and its notices; None while it was not even decided.
Wave = tuple[datetime, Sequence[Notice] | None]


def excuse_late_reminders(ctx: Context) -> None:
    """Record until when the films of each enterprise that was reminded late are not late; tell the office."""
    for night in (ctx.night - ONE_DAY, ctx.night):
        window = submission_window(night, ctx.rules)
        if not window.closes < ctx.now <= window.late_until or not was_in_service(ctx.store, window.opens):
            continue
        if ctx.store.facts.decide(f"late-reminders/{night}", ctx.now):
            _excuse(night, window, ctx)


def _excuse(night: date, window: SubmissionWindow, ctx: Context) -> None:
    waves, default_group = _waves(night, window, ctx), _default_group(ctx)
    extension, graces = ctx.rules.for_night(night).outage_extension, {}
    missing = [each.enterprise for each in judge_night(ctx, night).enterprises if each.missing_parts]
    for enterprise in missing:
        until = max(
            (_until(wave, enterprise, default_group, window, extension) for wave in waves), default=window.closes
        )
        if until > window.closes:
            graces[enterprise.id] = until
    if not graces:
        return
    ctx.store.outages.add_reminder_graces(night, graces)
    ctx.store.submissions.excuse_late_films(night, graces)
    names = [each.short_name for each in missing if each.id in graces]
    params = {"patrol_night": f"{night:%m-%d}", "count": len(names), "names": names}
    notify_office(ctx, night, "outage.reminders_late", f"late-reminders/{night}", **params)


def _waves(night: date, window: SubmissionWindow, ctx: Context) -> list[Wave]:
    """The waves that were due before the deadline. One that a later wave replaced has no notices."""
    instants = {wave: night_instant(night, wave, ctx.rules) for wave in ctx.rules.for_night(night).waves}
    decided = ctx.store.facts.decided([wave_key(night, wave) for wave in instants])
    notices = NoticeLog(ctx.store.session).reminders(night)
    return [
        (due, [each for each in notices if each.params["wave"] == f"{wave:%H:%M}"])
        if wave_key(night, wave) in decided
        else (due, None)
        for wave, due in instants.items()
        if due < window.closes
    ]


def _default_group(ctx: Context) -> int | None:
    """With a single group, the enterprises without one belong to it."""
    groups = ctx.store.register.groups()
    return groups[0].id if len(groups) == 1 else None


def _until(
    wave: Wave,
    enterprise: ExpectedEnterprise,
    default_group: int | None,
    window: SubmissionWindow,
    extension: timedelta,
) -> datetime:
    due, notices = wave
    if notices is None:
        return window.late_until
    group_id = enterprise.group_id or default_group
    concerning = [each for each in notices if _concerns(each, enterprise, group_id)]
    # The rest of a long list is a message of its own.
    rest = [each for each in concerning if "only" in each.params]
    return grace_until(due, rest or concerning, window, extension)


def _concerns(notice: Notice, enterprise: ExpectedEnterprise, group_id: int | None) -> bool:
    params = notice.params
    if "enterprise" in params:
        return bool(params["enterprise"] == enterprise.id)
    return params["group"] == group_id and enterprise.code in params.get("only", [enterprise.code])


def grace_until(due: datetime, notices: Sequence[Notice], window: SubmissionWindow, extension: timedelta) -> datetime:
    """Until when films are not late after one wave; the deadline if it left on time, or if only phones kept it away.

    After a wave that left late the enterprise has the agreed extension, after one that never left the whole late
    period. Only a notice that the platform accepted counts as left.
    """
    tried = [each for each in notices if each.state != "cancelled"]
    sent = [each.sent_at for each in tried if each.state == "sent" and each.sent_at is not None]
    if sent:
        is_late = min(sent) - due > _ON_TIME_WITHIN
        return max(window.closes, min(min(sent) + extension, window.late_until)) if is_late else window.closes
    by_our_fault = any(each.cause not in CAUSES_AT_RECIPIENT for each in tried)
    return window.late_until if by_our_fault else window.closes


def film_lateness(film: Submission, ctx: Context) -> str:
    """As SubmissionWindow.lateness, or `reminder_late` where a late reminder excuses it."""
    lateness = submission_window(film.night, ctx.rules).lateness(film.sent_at)
    if lateness != "late" or film.enterprise_id is None:
        return lateness
    until = ctx.store.outages.reminder_graces(film.night, film.night)[film.night].get(film.enterprise_id)
    return "reminder_late" if until is not None and film.sent_at <= until else lateness
