"""The moves of a hazard: reported as put right, accepted or returned by another person, or void."""

from __future__ import annotations

from datetime import datetime

from handlers.hazards.access import author, find_hazard, is_involved, lock_hazard, require_complete, require_state
from handlers.hazards.fields import MAX_REASON, clean_text, required_reason
from handlers.hazards.telling import tell_to_accept, tell_verdict, tell_void
from handlers.permissions import COUNTY_ROLES, Viewer
from schedules.context import Context
from storage.db.models import Hazard, HazardAttempt, Submission, Verdict
from storage.errors import OperationRefused
from storage.hazard_terms import (
    ACCEPTED,
    AWAITING_ACCEPTANCE,
    GENERAL,
    INCOMPLETE,
    RECTIFYING,
    RETURNED,
    SELF_CHECK,
    VOID,
)

_STORED_STATES = ("filed", "supporting")


def submit_hazard(
    number: str,
    material: Submission | None,
    actor: Viewer,
    ctx: Context,
    note: str | None = None,
    said_at: datetime | None = None,
) -> HazardAttempt:
    """Report a hazard as put right, with a film or photo of the same part that is newer than the finding.

    `said_at`: when the person said so (None = now), which counts for the deadline. Raises OperationRefused.
    """
    hazard = lock_hazard(number, "hazards.submit", actor, ctx, INCOMPLETE, RECTIFYING)
    require_complete(hazard)
    if material is None:
        raise OperationRefused("hazards.no_material", number=hazard.number)
    _check_material(hazard, material, ctx)
    attempt = ctx.store.hazards.add_attempt(
        hazard, material.id, author(actor), ctx.now, clean_text(note, MAX_REASON, "reason")
    )
    hazard.fixed_by_id = actor.person_id
    hazard.submitted_on = ctx.rules.local_date(min(said_at or ctx.now, ctx.now))
    ctx.store.hazards.move(hazard, AWAITING_ACCEPTANCE, author(actor), ctx.now, attempt.note)
    ctx.store.audit_log.record(
        ctx.now, actor.name, "hazard_submitted", subject=hazard.audit_subject, receipt=material.receipt
    )
    tell_to_accept(hazard, attempt, ctx)
    return attempt


def _check_material(hazard: Hazard, material: Submission, ctx: Context) -> None:
    """A photo may have no part: only its enterprise is known then."""
    part_ids = (hazard.part_id,) if material.kind == "film" else (hazard.part_id, None)
    if material.state not in _STORED_STATES or material.sha256 is None:
        raise OperationRefused("hazards.material_unfit", receipt=material.receipt)
    if material.enterprise_id != hazard.enterprise_id or material.part_id not in part_ids:
        raise OperationRefused("hazards.film_of_another_part", receipt=material.receipt)
    attempts = ctx.store.hazards.attempts(hazard.number)
    since = max([hazard.found_at, *(each.verdict_at for each in attempts if each.verdict_at is not None)])
    used = {hazard.submission_id, *(each.submission_id for each in attempts)}
    if material.id in used or material.sent_at <= since:
        raise OperationRefused("hazards.material_too_old", receipt=material.receipt)


def accept_hazard(number: str, actor: Viewer, ctx: Context, reason: str | None = None) -> Hazard:
    """Accept that a hazard was put right. Raises OperationRefused."""
    return _judge(number, ACCEPTED, clean_text(reason, MAX_REASON, "reason"), actor, ctx)


def return_hazard(number: str, reason: str | None, actor: Viewer, ctx: Context) -> Hazard:
    """Return a hazard to rectification. Raises OperationRefused."""
    return _judge(number, RETURNED, required_reason(reason), actor, ctx)


def _judge(number: str, verdict: str, reason: str | None, actor: Viewer, ctx: Context) -> Hazard:
    hazard = lock_hazard(number, "hazards.accept", actor, ctx, AWAITING_ACCEPTANCE)
    attempt = ctx.store.hazards.attempts(hazard.number)[-1]
    if text_key := reason_not_to_judge(hazard, attempt, actor, ctx):
        raise OperationRefused(text_key, number=hazard.number, name=actor.name)
    ctx.store.hazards.judge_attempt(attempt, verdict, author(actor), ctx.now, reason)
    if verdict == ACCEPTED:
        hazard.accepted_by_id = actor.person_id
    else:
        hazard.submitted_on = None
    state = ACCEPTED if verdict == ACCEPTED else RECTIFYING
    ctx.store.hazards.move(hazard, state, author(actor), ctx.now, reason)
    subject = hazard.audit_subject
    if verdict == ACCEPTED:
        ctx.store.audit_log.record(ctx.now, actor.name, "hazard_accepted", subject=subject)
    else:
        ctx.store.audit_log.record(ctx.now, actor.name, "hazard_returned", subject=subject, reason=reason)
    tell_verdict(hazard, attempt, ctx)
    return hazard


def reason_not_to_judge(hazard: Hazard, attempt: HazardAttempt, actor: Viewer, ctx: Context) -> str | None:
    """The text that says why the actor may not judge an attempt, if that is so.

    The people who put it right, filmed it or answer for it may not; an enterprise judges only what it found itself.
    """
    material = ctx.store.submissions.get(attempt.submission_id)
    filmed_by = material.person_id if material else None
    if is_involved(hazard, actor) or actor.person_id in (attempt.by_id, filmed_by):
        return "hazards.own_rectification"
    is_own_find = hazard.source == SELF_CHECK and hazard.level == GENERAL
    return None if actor.roles & COUNTY_ROLES or is_own_find else "hazards.not_permitted"


def void_hazard(number: str, reason: str | None, actor: Viewer, ctx: Context, verdict: Verdict | None = None) -> Hazard:
    """Declare a hazard void; it keeps its number and stays in the ledger. Raises OperationRefused.

    The only act on a hazard of a deregistered enterprise. `verdict`: the one on its film by which it is void.
    """
    seen, why = find_hazard(number, actor, ctx), required_reason(reason)
    if not actor.may("hazards.void"):
        raise OperationRefused("hazards.not_permitted", name=actor.name)
    hazard = ctx.store.hazards.lock(seen.number)
    assert hazard is not None
    require_state(hazard, INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE)
    ctx.store.hazards.move(hazard, VOID, author(actor), ctx.now, why)
    ctx.store.audit_log.record(ctx.now, actor.name, "hazard_voided", subject=hazard.audit_subject, reason=why)
    tell_void(hazard, author(actor), why, verdict, ctx)
    return hazard
