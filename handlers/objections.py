"""An enterprise objects to an entry of a night; the office answers, and the answer stands beside it."""

from __future__ import annotations

from datetime import date, datetime

from schedules.context import Context
from schedules.notify import notify_office, notify_system
from schedules.patrol_night import night_of
from storage.db.models import Enterprise, Objection
from storage.errors import OperationRefused
from storage.store import Store

_LONGEST = 500


def raise_objection(enterprise: Enterprise, night: date, person_id: int, text: str, ctx: Context) -> Objection:
    """Put an objection on record and before the office. Raises Refused."""
    text = _worded(text)
    if night > night_of(ctx.now, ctx.rules):
        raise OperationRefused("objection.invalid_night")
    person = ctx.store.register.person(person_id)
    assert person is not None
    made = ctx.store.objections.add(enterprise.id, night, person_id, text, ctx.now)
    ctx.store.audit_log.record(
        ctx.now, person.name, "objection_raised", subject=f"企业/{enterprise.code}", night=night.isoformat()
    )
    notify_office(
        ctx.store,
        night,
        ctx.now,
        "objection.raised",
        f"objection/{made.id}",
        enterprise=enterprise.short_name,
        patrol_night=f"{night:%m-%d}",
        name=person.name,
        text=text,
    )
    return made


def answer_objection(objection_id: int, person_id: int, answer: str, store: Store, now: datetime) -> None:
    """Answer an objection, once; whoever raised it is told. Raises Refused."""
    answer, found = _worded(answer), store.objections.get(objection_id)
    if found is None or not store.objections.answer(objection_id, person_id, answer, now):
        raise OperationRefused("objection.already_answered")
    person, asker = store.register.person(person_id), store.register.person(found.raised_by)
    enterprise = store.register.enterprise(found.enterprise_id)
    assert person is not None
    assert asker is not None
    assert enterprise is not None
    store.audit_log.record(
        now, person.name, "objection_answered", subject=f"企业/{enterprise.code}", night=found.night.isoformat()
    )
    notify_system(
        asker,
        store,
        found.night,
        now,
        "objection.answered",
        f"objection/{objection_id}/answer",
        patrol_night=f"{found.night:%m-%d}",
        text=answer,
        name=person.name,
    )


def _worded(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST:
        raise OperationRefused("objection.invalid_text", max_length=_LONGEST)
    return text
