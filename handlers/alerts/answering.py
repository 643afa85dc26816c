"""Who may answer an alert, and notifying the people it concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handlers.message import Message
from handlers.permissions import build_viewer
from schedules.alerts.escalation import duty_ladder_at
from schedules.context import Context
from schedules.notify import notify_person, notify_sender
from storage.alerts import EMERGENCY
from storage.db.models import Alert, Person
from storage.notices import SMS_MAIL, NoticeDraft, NoticeForm
from storage.priority import Priority


def may_answer(person: Person, alert: Alert, ctx: Context) -> bool:
    """People who were alerted, are on the ladder by now, or may acknowledge alerts on the dashboard."""
    if build_viewer(person.id, person.name, person.roles, ()).may("alerts.acknowledge"):
        return True
    on_ladder = (each.id for rung in duty_ladder_at(ctx.now, ctx).rungs for each in rung)
    return person.id in on_ladder or any(each.person_id == person.id for each in ctx.store.notices.of_alert(alert.id))


def alerted_people(alert: Alert, ctx: Context) -> list[Person]:
    """The people who were alerted so far, in that order."""
    ids = [each.person_id for each in ctx.store.notices.of_alert(alert.id) if each.person_id and each.rung is not None]
    found = ctx.store.register.people_by_id(ids)
    return [found[each] for each in dict.fromkeys(ids) if each in found]


def holders(alert: Alert, ctx: Context) -> list[Person]:
    """Who holds an alert: the person whose acknowledgement is in force, else all people who were alerted."""
    holder = ctx.store.register.person(alert.acknowledged_by or 0)
    if holder is not None and alert.is_acknowledged(ctx.now):
        return [holder]
    return alerted_people(alert, ctx) or list(duty_ladder_at(ctx.now, ctx).leader)


def name_with_mobile(person: Person) -> str:
    return f"{person.name}（{person.mobile}）" if person.mobile else person.name


def tell_person(
    person: Person,
    alert: Alert,
    text_key: str,
    once_key: str,
    ctx: Context,
    form: NoticeForm = NoticeForm.TEXT,
    **params: Any,
) -> None:
    """Tell one person what happened to an alert, before everything else."""
    draft = _draft(alert, text_key, f"{once_key}/{person.id}", params, ctx)
    notify_person(person, replace(draft, form=form), ctx.store)


def tell_sms_mail(alert: Alert, text_key: str, once_key: str, ctx: Context, **params: Any) -> None:
    """Tell the fallback addresses, if they were alerted."""
    if any(each.channel == SMS_MAIL for each in ctx.store.notices.of_alert(alert.id)):
        ctx.store.notices.add_for_sms_mail(_draft(alert, text_key, f"{once_key}/{SMS_MAIL}", params, ctx))


def tell_reporters(alert: Alert, text_key: str, once_key: str, ctx: Context, **params: Any) -> None:
    """Tell those who reported an emergency, each over the channel of the report."""
    if alert.cause != EMERGENCY:
        return
    for report in ctx.store.alerts.reports(alert.id):
        person = ctx.store.register.person(report.person_id or 0)
        target = Message(
            channel=report.channel or "",
            realm=report.realm or "",
            key="",
            inbox_id=report.inbox_id or 0,
            sender=report.sender or "",
            sent_at=report.at,
            received_at=report.at,
            kind="text",
            chat_id=report.chat_id or "",
        )
        draft = _draft(alert, text_key, f"{once_key}/reporter/{report.id}", params, ctx)
        notify_sender(target, person, draft, ctx.store)


def _draft(alert: Alert, text_key: str, once_key: str, params: dict[str, Any], ctx: Context) -> NoticeDraft:
    return NoticeDraft(
        # Where replies are few, they are kept for this rather than for other messages.
        kind="alert",
        text_key=text_key,
        once_key=f"alert/{alert.id}/{once_key}",
        night=alert.night,
        due_at=ctx.now,
        params=params,
        alert_id=alert.id,
        priority=Priority.EMERGENCY,
    )
