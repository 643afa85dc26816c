"""Notices about outages: who may send films until when, because our own downtime never makes an enterprise late."""

from __future__ import annotations

from datetime import date

from schedules.context import Context
from schedules.notify import notify_office, notify_person
from schedules.patrol_night import ONE_DAY, submission_window
from storage.db.models import Outage
from storage.notices import NoticeDraft
from storage.outages import PROCESSING
from storage.register_terms import ENTERPRISE_ROLES


def notify_outages(ctx: Context) -> None:
    """Once an outage that touched a night is over, announce the new deadline.

    While there is time the enterprises are notified too: films sent during the outage may never have arrived.
    """
    _notify_ongoing_platform_outage(ctx.night, ctx)
    for night in (ctx.night - ONE_DAY, ctx.night):
        window = submission_window(night, ctx.rules)
        for outage in ctx.store.outages.within(window.opens, window.closes):
            if ctx.store.facts.decide(f"outage/{outage.id}/{night}", ctx.now):
                _notify_outage(outage, night, ctx)


def _notify_ongoing_platform_outage(night: date, ctx: Context) -> None:
    """While the platform is down, only the SMS and mail addresses (SMS, mail) can be reached; they are told once."""
    since, window = ctx.store.outages.platform_down_since(), submission_window(night, ctx.rules)
    if since is None or not window.opens <= ctx.now <= window.closes:
        return
    draft = NoticeDraft(
        kind="system",
        text_key="outage.platform_ongoing",
        once_key=f"outage/now/{since.isoformat()}",
        night=night,
        due_at=ctx.now,
        expires_at=window.closes,
        params={"patrol_night": f"{night:%m-%d}", "began_at": ctx.rules.clock_time(since)},
    )
    ctx.store.notices.add_for_sms_mail(draft)


def _notify_outage(outage: Outage, night: date, ctx: Context) -> None:
    closes = submission_window(night, ctx.rules).closes
    key = f"outage/{outage.id}/{night}"
    params = {
        "patrol_night": f"{night:%m-%d}",
        "began_at": ctx.rules.clock_time(outage.started_at),
        "ended_at": ctx.rules.clock_time(outage.ended_at),
        "closes": ctx.rules.clock_time(closes),
    }
    notify_office(ctx, night, f"outage.{outage.kind}", key, **params)
    if outage.kind != PROCESSING and ctx.now < closes:
        _announce_deadline(key, night, params, ctx)


def _announce_deadline(key: str, night: date, params: dict[str, str], ctx: Context) -> None:
    """In every group, and directly to the people of enterprises without one."""
    store = ctx.store
    groups = store.register.groups()
    for group in groups:
        store.notices.add_for_group(group, _deadline_draft(f"{key}/group/{group.id}", night, params, ctx))
    # With a single group, the enterprises without one belong to it.
    outside = store.register.enterprises_without_group() if len(groups) != 1 else []
    for people in store.register.employees(outside).values():
        for person in people:
            if person.has_role(*ENTERPRISE_ROLES):
                notify_person(person, _deadline_draft(f"{key}/person/{person.id}", night, params, ctx), store)


def _deadline_draft(once_key: str, night: date, params: dict[str, str], ctx: Context) -> NoticeDraft:
    return NoticeDraft(
        kind="system",
        text_key="outage.deadline_extended",
        once_key=once_key,
        night=night,
        due_at=ctx.now,
        expires_at=submission_window(night, ctx.rules).closes,
        params=params,
    )
