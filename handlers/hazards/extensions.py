"""Extensions of a deadline: asked before it, with a reason and an interim measure, and decided by another person."""

from __future__ import annotations

from datetime import date, datetime

from handlers.hazards.access import author, is_involved, lock_hazard
from handlers.hazards.fields import clean_text, required_text
from handlers.hazards.telling import tell_decision, tell_to_decide
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import Hazard, HazardExtension
from storage.errors import OperationRefused
from storage.hazard_terms import AWAITING_ACCEPTANCE, GRANTED, RECTIFYING, REFUSED

_MAX_LENGTH = 500


def ask_extension(
    number: str,
    new_deadline: date | None,
    reason: str | None,
    interim: str | None,
    actor: Viewer,
    ctx: Context,
    said_at: datetime | None = None,
) -> HazardExtension:
    """Ask for a later deadline, on the day of the present one at the latest.

    `said_at`: when the person said so (None = now). Raises OperationRefused.
    """
    hazard = lock_hazard(number, "hazards.ask_extension", actor, ctx, RECTIFYING)
    why, meanwhile = required_text(reason, _MAX_LENGTH, "reason"), required_text(interim, _MAX_LENGTH, "interim")
    assert hazard.deadline is not None
    asked_on = ctx.rules.local_date(min(said_at or ctx.now, ctx.now))
    if asked_on > hazard.deadline:
        raise OperationRefused("hazards.extension_too_late", deadline=hazard.deadline.isoformat())
    if new_deadline is None or new_deadline <= hazard.deadline:
        raise OperationRefused("hazards.extension_not_later", deadline=hazard.deadline.isoformat())
    if ctx.store.hazards.asked_extension(hazard.number) is not None:
        raise OperationRefused("hazards.extension_asked_before", number=hazard.number)
    extension = ctx.store.hazards.add_extension(
        hazard, author(actor), ctx.now, asked_on=asked_on, new_deadline=new_deadline, reason=why, interim=meanwhile
    )
    subject, until = hazard.audit_subject, new_deadline.isoformat()
    ctx.store.audit_log.record(ctx.now, actor.name, "hazard_extension_asked", subject=subject, until=until)
    tell_to_decide(hazard, extension, ctx)
    return extension


def grant_extension(number: str, actor: Viewer, ctx: Context, reason: str | None = None) -> HazardExtension:
    """Grant the request: its date becomes the deadline. Raises OperationRefused."""
    hazard, extension = _asked(number, actor, ctx)
    if extension.new_deadline < ctx.today:
        raise OperationRefused("hazards.extension_ran_out", deadline=extension.new_deadline.isoformat())
    _decide(extension, GRANTED, actor, ctx, clean_text(reason, _MAX_LENGTH, "reason"))
    hazard.deadline = extension.new_deadline
    ctx.store.session.flush()
    ctx.store.audit_log.record(
        ctx.now,
        actor.name,
        "hazard_extension_granted",
        subject=hazard.audit_subject,
        until=extension.new_deadline.isoformat(),
    )
    tell_decision(hazard, extension, ctx)
    return extension


def refuse_extension(number: str, reason: str | None, actor: Viewer, ctx: Context) -> HazardExtension:
    """Refuse the request: the deadline stays. Raises OperationRefused."""
    hazard, extension = _asked(number, actor, ctx)
    why = required_text(reason, _MAX_LENGTH, "reason")
    _decide(extension, REFUSED, actor, ctx, why)
    ctx.store.audit_log.record(
        ctx.now, actor.name, "hazard_extension_refused", subject=hazard.audit_subject, reason=why
    )
    tell_decision(hazard, extension, ctx)
    return extension


def _asked(number: str, actor: Viewer, ctx: Context) -> tuple[Hazard, HazardExtension]:
    hazard = lock_hazard(number, "hazards.decide_extension", actor, ctx, RECTIFYING, AWAITING_ACCEPTANCE)
    extension = ctx.store.hazards.asked_extension(hazard.number)
    if extension is None:
        raise OperationRefused("hazards.no_extension_asked", number=hazard.number)
    if extension.asked_by_id == actor.person_id or is_involved(hazard, actor):
        raise OperationRefused("hazards.own_extension", number=hazard.number, name=actor.name)
    return hazard, extension


def _decide(extension: HazardExtension, state: str, actor: Viewer, ctx: Context, reason: str | None) -> None:
    extension.state, extension.decided_at, extension.decision_reason = state, ctx.now, reason
    extension.decided_by_id, extension.decided_by = actor.person_id, actor.name
    ctx.store.session.flush()
