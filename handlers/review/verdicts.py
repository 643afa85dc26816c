"""Reviewing films: claim the next one, watch it, judge it. The dashboard and the chat use the same functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from handlers import rectification
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import ONE_DAY
from schedules.review.night_review import NightReview, ReviewableFilm, night_review
from storage.db.models import Person, Submission, Verdict
from storage.errors import OperationRefused

VERDICTS = ("fit", "problem", "unclear", "wrong_part")
# A claim without activity ends after this time.
CLAIM_LIFETIME = timedelta(minutes=10)
_MAX_REASON_LENGTH = 300
_LOCK = "review"


@dataclass(frozen=True)
class VerdictDraft:
    """A verdict to record; `at_s` is the position in the film, `via` is `page` or `chat`."""

    film_id: int
    value: str
    reviewer: Person
    via: str = "page"
    reason: str | None = None
    at_s: float | None = None


def claim_next(reviewer: Person, ctx: Context) -> ReviewableFilm | None:
    """Claim the next film of tonight's queue, then of the night before's; None when nothing is left for the reviewer.

    A film the reviewer has claimed already comes first.
    """
    ctx.store.lock_for_transaction(_LOCK)
    for night in (ctx.night, ctx.night - ONE_DAY):
        review = night_review(ctx, night)
        claims, pending = ctx.store.review.claims(ctx.now), _pending_for(reviewer, review)
        own = [film_id for film_id in pending if claims.get(film_id) == reviewer.id]
        unclaimed = [film_id for film_id in pending if film_id not in claims]
        for film_id in [*own, *unclaimed]:
            if ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME):
                return review.films[film_id]
    return None


def _pending_for(reviewer: Person, review: NightReview) -> list[int]:
    """The films left to review, second reviews last and never of the reviewer's own verdict."""
    second = [each.submission_id for each, first in review.pending_second_reviews if first.person_id != reviewer.id]
    return [each.film_id for each in review.pending] + second


def claim(film_id: int, reviewer: Person, ctx: Context) -> bool:
    """Claim a certain film; False while another reviewer holds it."""
    ctx.store.lock_for_transaction(_LOCK)
    return ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)


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
    ctx.store.review.extend_claim(film.id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)


def record_verdict(draft: VerdictDraft, ctx: Context) -> Verdict:
    """Record a verdict and do what follows from it. Raises OperationRefused."""
    review = ctx.store.review
    ctx.store.lock_for_transaction(_LOCK)
    film = _reviewable_film(draft, ctx)
    previous, second = review.current_verdict(film.id), review.second_review(film.id)
    is_second = bool(
        second and second.second_verdict_id is None and previous and previous.person_id != draft.reviewer.id
    )
    verdict = review.add_verdict(
        ctx.now,
        night=film.night,
        submission_id=film.id,
        part_id=film.part_id,
        verdict=draft.value,
        reason=(draft.reason or "").strip()[:_MAX_REASON_LENGTH] or None,
        at_s=_position_in(film, draft.at_s),
        person_id=draft.reviewer.id,
        reviewer_name=draft.reviewer.name,
        via=draft.via,
        is_second_review=is_second,
        watched_s=ctx.store.view_log.watched_seconds(film.id, draft.reviewer.id),
    )
    if is_second:
        review.finish_second_review(film.id, verdict.id)
    review.release_claim(film.id, ctx.now)
    _record_in_audit_log(film, verdict, previous, ctx)
    rectification.apply_verdict(film, verdict, previous, ctx)
    if is_second and previous is not None and previous.verdict != verdict.verdict:
        _report_difference(film, verdict, previous, ctx)
    return verdict


def _reviewable_film(draft: VerdictDraft, ctx: Context) -> Submission:
    film = ctx.store.submissions.get(draft.film_id)
    if film is None or film.kind != "film" or film.state != "filed" or film.part_id is None:
        raise OperationRefused("review.not_reviewable")
    if draft.value not in VERDICTS:
        raise OperationRefused("review.unknown_verdict")
    if draft.value != "fit" and draft.via == "page" and not (draft.reason or "").strip():
        raise OperationRefused("review.reason_required")
    claimed_by = ctx.store.review.claims(ctx.now).get(film.id)
    if claimed_by not in (None, draft.reviewer.id):
        raise OperationRefused("review.claimed_by_other")
    return film


def _position_in(film: Submission, at_s: float | None) -> float | None:
    return None if at_s is None else round(min(max(at_s, 0.0), film.duration_s or 0.0), 1)


def _record_in_audit_log(film: Submission, verdict: Verdict, previous: Verdict | None, ctx: Context) -> None:
    ctx.store.audit_log.record(
        ctx.now,
        verdict.reviewer_name,
        "film_judged",
        receipt=film.receipt,
        night=film.night.isoformat(),
        verdict=verdict.verdict,
        reason=verdict.reason,
        before=previous.verdict if previous else None,
    )


def _report_difference(film: Submission, verdict: Verdict, first: Verdict, ctx: Context) -> None:
    """Tell the office that the second review of a film came to another verdict than the first."""
    params = {
        "receipt": film.receipt,
        "first_reviewer": first.reviewer_name,
        "second_reviewer": verdict.reviewer_name,
        "first_verdict": {"say": f"verdict.{first.verdict}"},
        "second_verdict": {"say": f"verdict.{verdict.verdict}"},
    }
    notify_office(ctx, film.night, "review.second_review_differs", f"second-review-differs/{verdict.id}", **params)
