"""Objections: an enterprise objects to the result of a night, the office answers, and both stay on record."""

from __future__ import annotations

from datetime import date

from schedules.context import Context
from schedules.notify import notify_office, notify_system
from storage.db.models import Enterprise, Objection
from storage.errors import OperationRefused

_MAX_LENGTH = 500


def raise_objection(enterprise: Enterprise, night: date, person_id: int, text: str, ctx: Context) -> Objection:
    """Record an objection and notify the office. Raises OperationRefused."""
    text = _clean_text(text)
    if night > ctx.night:
        raise OperationRefused("objection.invalid_night")
    person = ctx.store.register.person(person_id)
    assert person is not None
    objection = ctx.store.objections.add(enterprise.id, night, person_id, text, ctx.now)
    ctx.store.audit_log.record(
        ctx.now, person.name, "objection_raised", subject=f"企业/{enterprise.code}", night=night.isoformat()
    )
    notify_office(
        ctx,
        night,
        "objection.raised",
        f"objection/{objection.id}",
        enterprise=enterprise.short_name,
        patrol_night=f"{night:%m-%d}",
        name=person.name,
        text=text,
    )
    return objection


def answer_objection(objection_id: int, person_id: int, answer: str, ctx: Context) -> None:
    """Answer an objection, once, and notify the person who raised it. Raises OperationRefused."""
    store, answer = ctx.store, _clean_text(answer)
    objection = store.objections.get(objection_id)
    if objection is None or not store.objections.answer(objection_id, person_id, answer, ctx.now):
        raise OperationRefused("objection.already_answered")
    person, raised_by = store.register.person(person_id), store.register.person(objection.raised_by)
    enterprise, night = store.register.enterprise(objection.enterprise_id), objection.night
    assert person is not None
    assert raised_by is not None
    assert enterprise is not None
    store.audit_log.record(
        ctx.now, person.name, "objection_answered", subject=f"企业/{enterprise.code}", night=night.isoformat()
    )
    once_key, patrol_night = f"objection/{objection_id}/answer", f"{night:%m-%d}"
    notify_system(
        raised_by, ctx, night, "objection.answered", once_key, patrol_night=patrol_night, text=answer, name=person.name
    )


def _clean_text(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > _MAX_LENGTH:
        raise OperationRefused("objection.invalid_text", max_length=_MAX_LENGTH)
    return text
