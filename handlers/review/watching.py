"""How long a reviewer has watched a film, limited to what is possible."""

from __future__ import annotations

from handlers.review.claims import CLAIM_LIFETIME, PREFETCH_LIFETIME
from schedules.context import Context
from storage.db.models import Person


def record_watch_time(view_id: int, reviewer: Person, watched_s: float, covered_s: float, ctx: Context) -> None:
    """Record what a player reports, limited to what is possible.

    A viewer cannot have watched longer than the page has been open, nor have seen more than the film's length or more
    than plays in that time at double speed.
    """
    view = ctx.store.view_log.get(view_id)
    film = ctx.store.submissions.get(view.submission_id) if view else None
    if view is None or film is None or view.person_id != reviewer.id or view.kind != "film":
        return
    open_s, length_s = max(0.0, (ctx.now - view.opened_at).total_seconds()), film.duration_s or 0.0
    view.watched_s = max(view.watched_s, min(watched_s, open_s))
    view.covered_s = max(view.covered_s, min(covered_s, length_s, 2 * view.watched_s))
    view.last_progress_at = ctx.now
    ctx.store.review.extend_claims(film.id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME, ctx.now + PREFETCH_LIFETIME)
