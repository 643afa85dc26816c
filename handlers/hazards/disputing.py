"""An objection of the enterprise to a hazard: on record, and passed on to the office and to who found it."""

from __future__ import annotations

from handlers.hazards.access import lock_hazard
from handlers.hazards.fields import clean_text
from handlers.hazards.telling import tell_objection
from handlers.permissions import Viewer
from schedules.context import Context
from storage.errors import OperationRefused
from storage.hazard_terms import AWAITING_ACCEPTANCE, INCOMPLETE, RECTIFYING


def dispute_hazard(number: str, words: str, actor: Viewer, ctx: Context) -> None:
    """Raises OperationRefused."""
    hazard = lock_hazard(number, "hazards.dispute", actor, ctx, INCOMPLETE, RECTIFYING, AWAITING_ACCEPTANCE)
    text = clean_text(words, 500, "reason")
    if text is None:
        raise OperationRefused("hazards.reason_required")
    ctx.store.audit_log.record(ctx.now, actor.name, "hazard_disputed", subject=hazard.audit_subject, text=text)
    tell_objection(hazard, actor.name, text, ctx)
