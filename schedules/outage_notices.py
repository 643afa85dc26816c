"""Our own downtime is nobody's fault: what has been agreed together with what kept people from it."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from schedules.context import Context
from schedules.notify import notify_office, notify_person
from schedules.patrol_night import ONE_DAY, night_of, submission_window
from schedules.rules import RuleBook
from storage.db.models import Outage
from storage.notices import NoticeDraft
from storage.outages import PROCESSING
from storage.register import PATROLLER_ROLE, RESPONSIBLE_ROLES
from storage.store import Store


def load_rule_book(store: Store, zone: ZoneInfo) -> RuleBook:
    """What has been agreed, and the outages, of which some lengthen its windows."""
    return RuleBook(zone, store.register.rules(), store.outages.all())


def notify_outages(ctx: Context) -> None:
    """Once an outage that touched a night is over, say until when films may be sent now.

    Those who film hear it too while there is time: what they sent meanwhile may never have arrived.
    """
    present = night_of(ctx.now, ctx.rules)
    _tell_meanwhile(present, ctx)
    for night in (present - ONE_DAY, present):
        span = submission_window(night, ctx.rules)
        for outage in ctx.store.outages.within(span.opens, span.closes):
            if ctx.store.facts.decide(f"outage/{outage.id}/{night}", ctx.now):
                _tell(outage, night, ctx)


def _tell_meanwhile(night: date, ctx: Context) -> None:
    """While the platform itself is away, the fallback addresses (SMS, mail) are all that can still be told; once."""
    since, span = ctx.store.outages.platform_down_since(), submission_window(night, ctx.rules)
    if since is None or not span.opens <= ctx.now <= span.closes:
        return
    said = {"patrol_night": f"{night:%m-%d}", "began_at": _clock(since, ctx.rules)}
    saying = NoticeDraft(
        kind="system",
        text_key="outage.platform_ongoing",
        once_key=f"outage/now/{since.isoformat()}",
        night=night,
        due_at=ctx.now,
        expires_at=span.closes,
        params=said,
    )
    ctx.store.notices.add_for_sms_mail(saying)


def _tell(outage: Outage, night: date, ctx: Context) -> None:
    closes = submission_window(night, ctx.rules).closes
    key, local = (
        f"outage/{outage.id}/{night}",
        [_clock(each, ctx.rules) for each in (outage.started_at, outage.ended_at)],
    )
    said = {
        "patrol_night": f"{night:%m-%d}",
        "began_at": local[0],
        "ended_at": local[1],
        "closes": _clock(closes, ctx.rules),
    }
    notify_office(ctx.store, night, ctx.now, f"outage.{outage.kind}", key, **said)
    if outage.kind == PROCESSING or ctx.now >= closes:
        return
    groups = ctx.store.register.groups()
    for group in groups:
        ctx.store.notices.add_for_group(group, _saying(f"{key}/group/{group.id}", night, ctx.now, closes, said))
    outside = ctx.store.register.enterprises_without_group() if len(groups) != 1 else []
    for people in ctx.store.register.employees(outside).values():
        for person in people:
            if {PATROLLER_ROLE, *RESPONSIBLE_ROLES} & set(person.roles):
                notify_person(person, _saying(f"{key}/person/{person.id}", night, ctx.now, closes, said), ctx.store)


def _saying(once_key: str, night: date, now: datetime, closes: datetime, said: dict[str, str]) -> NoticeDraft:
    return NoticeDraft(
        kind="system",
        text_key="outage.deadline_extended",
        once_key=once_key,
        night=night,
        due_at=now,
        expires_at=closes,
        params=said,
    )


def _clock(instant: datetime, rules: RuleBook) -> str:
    return f"{instant.astimezone(rules.zone):%H:%M}"
