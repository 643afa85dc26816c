"""A problem that a reviewer sees on a film is a hazard, as long as the verdict holds.

The enterprise learns of it once the verdict cannot be undone any more; of a hazard that is void by then, never.
"""

from __future__ import annotations

from handlers.hazards.access import actor_of
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.editing import edit_hazard
from handlers.hazards.moving import void_hazard
from handlers.hazards.telling import tell_matter
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.hazards.rules import proposed_deadline
from storage.db.models import Hazard, Person, Submission, Verdict
from storage.hazard_terms import BY_DEADLINE, CLOSED_STATES, GENERAL
from storage.hazards import Author
from storage.register_terms import DEREGISTERED
from storage.review import UNDO_PERIOD

_KEY_PREFIX, _KIND = "verdict/", "other"
# Stays in the ledger as the reason of the move.
_NO_LONGER_HOLDS = "审看结论已更改或撤销"


def follow_verdict(film: Submission, verdict: Verdict, reviewer: Person, ctx: Context) -> None:
    """Let the hazard of a film follow a verdict that was given or explained: it is open while there is a problem."""
    actor, hazard = actor_of(reviewer, ctx.store), _open_hazard(film, ctx)
    if verdict.verdict != "problem":
        if hazard is not None:
            void_hazard(hazard.number, _NO_LONGER_HOLDS, actor, ctx, verdict)
    elif hazard is None:
        _add(film, verdict, actor, ctx)
    elif _change_matter(hazard, verdict, actor, ctx):
        tell_matter(hazard, verdict, ctx)


def follow_restored_verdict(film: Submission, restored: Verdict | None, reviewer: Person, ctx: Context) -> None:
    """Let the hazard of a film follow the verdict that holds again, because a later one was undone."""
    actor, hazard = actor_of(reviewer, ctx.store), _open_hazard(film, ctx)
    if restored is None or restored.verdict != "problem":
        if hazard is not None:
            void_hazard(hazard.number, _NO_LONGER_HOLDS, actor, ctx)
    elif hazard is None:
        _add(film, restored, actor, ctx)
    else:
        _change_matter(hazard, restored, actor, ctx)


def _open_hazard(film: Submission, ctx: Context) -> Hazard | None:
    hazards = [each for each in ctx.store.hazards.of_film(film.id) if each.state not in CLOSED_STATES]
    return next((each for each in hazards if (each.once_key or "").startswith(_KEY_PREFIX)), None)


def _change_matter(hazard: Hazard, verdict: Verdict, actor: Viewer, ctx: Context) -> bool:
    """Whether the matter is another now, and nothing else follows from that."""
    if verdict.reason is None or verdict.reason == hazard.matter:
        return False
    state = hazard.state
    edit_hazard(hazard.number, {"matter": verdict.reason}, actor, ctx)
    return hazard.state == state


def _add(film: Submission, verdict: Verdict, actor: Viewer, ctx: Context) -> None:
    enterprise = ctx.store.register.enterprise(film.enterprise_id) if film.enterprise_id else None
    if enterprise is None or enterprise.status == DEREGISTERED:
        return
    once_key = f"{_KEY_PREFIX}{verdict.id}"
    if ctx.store.hazards.by_once_key(once_key) is not None:
        # The verdict was superseded, which made its hazard void, and then restored.
        once_key += f"/{ctx.now.isoformat()}"
    deadline = proposed_deadline(_KIND, GENERAL, BY_DEADLINE, ctx.today)
    draft = HazardDraft(
        enterprise.id,
        {"matter": verdict.reason, "kind": _KIND, "deadline": deadline},
        found_at=verdict.given_at,
        found_by=Author(verdict.person_id, verdict.reviewer_name),
        film=film,
        at_s=verdict.at_s,
        once_key=once_key,
        withheld_until=verdict.given_at + UNDO_PERIOD,
    )
    add_hazard(draft, actor, ctx)
