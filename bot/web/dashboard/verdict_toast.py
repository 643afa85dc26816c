"""The toast after a verdict: what was recorded, and for how long it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedules.context import Context
from storage.review import UNDO_PERIOD


@dataclass(frozen=True)
class UndoableVerdicts:
    """Verdicts of one person that were given together, and the seconds in which they can still be undone."""

    verdict_ids: Sequence[int]
    receipts: Sequence[str]
    verdict: str
    seconds: float


def undoable_verdicts(person_id: int, ctx: Context) -> UndoableVerdicts | None:
    """The verdicts that a person has just given; None when they have taken effect."""
    latest = ctx.store.review.latest_verdicts_by(person_id, ctx.now - UNDO_PERIOD)
    if not latest:
        return None
    films = ctx.store.submissions.by_ids(each.submission_id for each in latest)
    return UndoableVerdicts(
        [each.id for each in latest],
        sorted(film.receipt for film in films),
        latest[0].verdict,
        (latest[0].given_at + UNDO_PERIOD - ctx.now).total_seconds(),
    )
