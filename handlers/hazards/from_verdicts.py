"""A problem that a reviewer sees on a film is a hazard, as long as the verdict holds."""

from __future__ import annotations

from handlers.hazards.access import actor_of
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.editing import edit_hazard
from handlers.hazards.moving import void_hazard
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.hazards.rules import proposed_deadline
from storage.db.models import Hazard, Person, Submission, Verdict
from storage.hazard_terms import BY_DEADLINE, CLOSED_STATES, GENERAL
from storage.register_terms import DEREGISTERED

_KEY_PREFIX, _KIND = "verdict/", "other"
# Stays in the ledger as the reason of the move.
_NO_LONGER_HOLDS = "审看结论已更改或撤销"


def follow_verdict(film: Submission, verdict: Verdict | None, reviewer: Person, ctx: Context) -> None:
    """Let the hazards of a film follow the verdict that now holds: one is open if it is a problem, none if not."""
    actor, hazard = actor_of(reviewer, ctx.store), _open_hazard(film, ctx)
    if verdict is None or verdict.verdict != "problem":
        if hazard is not None:
            void_hazard(hazard.number, _NO_LONGER_HOLDS, actor, ctx)
    elif hazard is None:
        _add(film, verdict, actor, ctx)
    elif verdict.reason is not None and verdict.reason != hazard.matter:
        edit_hazard(hazard.number, {"matter": verdict.reason}, actor, ctx)


def _open_hazard(film: Submission, ctx: Context) -> Hazard | None:
    hazards = [each for each in ctx.store.hazards.of_film(film.id) if each.state not in CLOSED_STATES]
    return next((each for each in hazards if (each.once_key or "").startswith(_KEY_PREFIX)), None)


def _add(film: Submission, verdict: Verdict, actor: Viewer, ctx: Context) -> None:
    enterprise = ctx.store.register.enterprise(film.enterprise_id) if film.enterprise_id else None
    if enterprise is None or enterprise.status == DEREGISTERED:
        return
    once_key = f"{_KEY_PREFIX}{verdict.id}"
    if ctx.store.hazards.by_once_key(once_key) is not None:
        # The verdict was superseded, which made its hazard void, and then restored.
        once_key += f"/{ctx.now.isoformat()}"
    deadline = proposed_deadline(_KIND, GENERAL, BY_DEADLINE, ctx.today)
    fields = {"matter": verdict.reason, "kind": _KIND, "deadline": deadline}
    draft = HazardDraft(
        enterprise.id, fields, found_at=verdict.given_at, film=film, at_s=verdict.at_s, once_key=once_key
    )
    add_hazard(draft, actor, ctx)
