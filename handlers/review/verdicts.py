"""Reviewing films: take the next in hand, watch it, judge it. The page and the chat call the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers import rectification
from schedules.context import Context
from schedules.notify import notify_office
from schedules.patrol_night import ONE_DAY, night_of
from schedules.review.night_review import NightReview, ReviewableFilm, night_review
from storage.db.models import Person, Submission, Verdict
from storage.errors import OperationRefused
from storage.store import Store

VERDICTS = ("fit", "problem", "unclear", "wrong_part")
# Whoever gives no sign for so long has put the film down.
CLAIM_LIFETIME = timedelta(minutes=10)
_LONGEST_REASON = 300
_ONE_AT_A_TIME = "review"


@dataclass(frozen=True)
class VerdictDraft:
    """A verdict as it is given: on which film, by whom, `at_s` where in the film, `via` the page or the chat."""

    film_id: int
    value: str
    reviewer: Person
    via: str = "page"
    reason: str | None = None
    at_s: float | None = None


def claim_next(reviewer: Person, ctx: Context) -> ReviewableFilm | None:
    """Take the next film of tonight's queue in hand, or of the night before; None when nothing is left for you.

    What one already has in hand comes first: it is not lost by asking again.
    """
    ctx.store.lock_for_transaction(_ONE_AT_A_TIME)
    tonight = night_of(ctx.now, ctx.rules)
    for night in (tonight, tonight - ONE_DAY):
        review = night_review(ctx.store, night, ctx.rules, ctx.now)
        claimed = ctx.store.review.claims(ctx.now)
        mine = [each for each in _waiting(review, reviewer) if claimed.get(each) == reviewer.id]
        free = [each for each in _waiting(review, reviewer) if each not in claimed]
        for film_id in [*mine, *free]:
            if ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME):
                return review.films[film_id]
    return None


def _waiting(review: NightReview, who: Person) -> list[int]:
    """What is left to watch, second looks last: never at one's own verdict."""
    seconds = [look.submission_id for look, first in review.pending_second_reviews if first.person_id != who.id]
    return [each.film_id for each in review.pending] + seconds


def claim(film_id: int, reviewer: Person, ctx: Context) -> bool:
    """Take a certain film in hand; False while somebody else has it."""
    ctx.store.lock_for_transaction(_ONE_AT_A_TIME)
    return ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)


def record_watch_time(view_id: int, reviewer: Person, watched_s: float, covered_s: float, ctx: Context) -> None:
    """What a player says of a look so far. Nobody can have watched for longer than the look has lasted, nor have
    seen more of a film than there is of it, or than runs by in that time at double speed."""
    look = ctx.store.view_log.get(view_id)
    film = ctx.store.submissions.get(look.submission_id) if look else None
    if look is None or film is None or look.person_id != reviewer.id or look.kind != "film":
        return
    lasted, length = max(0.0, (ctx.now - look.opened_at).total_seconds()), film.duration_s or 0.0
    look.watched_s = max(look.watched_s, min(watched_s, lasted))
    look.covered_s = max(look.covered_s, min(covered_s, length, 2 * look.watched_s))
    look.last_progress_at = ctx.now
    ctx.store.review.extend_claim(film.id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)


def record_verdict(draft: VerdictDraft, ctx: Context) -> Verdict:
    """Put a verdict on record with all that follows from it. Raises Refused."""
    ctx.store.lock_for_transaction(_ONE_AT_A_TIME)
    film = _reviewable(draft, ctx.store, ctx.now)
    before, second = ctx.store.review.current_verdict(film.id), ctx.store.review.second_review(film.id)
    is_second = bool(second and second.second_verdict_id is None and before and before.person_id != draft.reviewer.id)
    verdict = ctx.store.review.add_verdict(
        ctx.now,
        night=film.night,
        submission_id=film.id,
        part_id=film.part_id,
        verdict=draft.value,
        reason=(draft.reason or "").strip()[:_LONGEST_REASON] or None,
        at_s=_within(draft.at_s, film),
        person_id=draft.reviewer.id,
        reviewer_name=draft.reviewer.name,
        via=draft.via,
        is_second_review=is_second,
        watched_s=ctx.store.view_log.watched_seconds(film.id, draft.reviewer.id),
    )
    if second is not None and is_second:
        ctx.store.review.finish_second_review(film.id, verdict.id)
    ctx.store.review.release_claim(film.id, ctx.now)
    _record(film, verdict, before, ctx.store, ctx.now)
    rectification.apply_verdict(film, verdict, before, ctx)
    if is_second and before is not None and before.verdict != verdict.verdict:
        _tell_of_difference(film, verdict, before, ctx.store, ctx.now)
    return verdict


def _reviewable(judged: VerdictDraft, store: Store, now: datetime) -> Submission:
    film = store.submissions.get(judged.film_id)
    if film is None or film.kind != "film" or film.state != "filed" or film.part_id is None:
        raise OperationRefused("review.not_reviewable")
    if judged.value not in VERDICTS:
        raise OperationRefused("review.unknown_verdict")
    if judged.value != "fit" and judged.via == "page" and not (judged.reason or "").strip():
        raise OperationRefused("review.reason_required")
    holder = store.review.claims(now).get(film.id)
    if holder not in (None, judged.reviewer.id):
        raise OperationRefused("review.claimed_by_other")
    return film


def _within(at_s: float | None, film: Submission) -> float | None:
    return None if at_s is None else round(min(max(at_s, 0.0), film.duration_s or 0.0), 1)


def _record(film: Submission, verdict: Verdict, before: Verdict | None, store: Store, now: datetime) -> None:
    store.audit_log.record(
        now,
        verdict.reviewer_name,
        "film_judged",
        receipt=film.receipt,
        night=film.night.isoformat(),
        verdict=verdict.verdict,
        reason=verdict.reason,
        before=before.verdict if before else None,
    )


def _tell_of_difference(film: Submission, verdict: Verdict, first: Verdict, store: Store, now: datetime) -> None:
    """Two people saw the same film differently: the office knows, whoever is right."""
    words = {
        "first_verdict": {"say": f"verdict.{first.verdict}"},
        "second_verdict": {"say": f"verdict.{verdict.verdict}"},
    }
    notify_office(
        store,
        film.night,
        now,
        "review.second_review_differs",
        f"second-review-differs/{verdict.id}",
        receipt=film.receipt,
        first_reviewer=first.reviewer_name,
        second_reviewer=verdict.reviewer_name,
        **words,
    )
