"""Which reviewer gets which film: a claimed film is reviewed by no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from schedules.context import Context
from schedules.patrol_night import ONE_DAY
from schedules.review.night_review import NightReview, ReviewableFilm, night_review
from storage.db.models import Person

# A claim without activity ends after this time.
CLAIM_LIFETIME = timedelta(minutes=10)
# The claim of a film that only the browser has yet; the player renews it every few seconds.
PREFETCH_LIFETIME = timedelta(minutes=1)
REVIEW_LOCK = "review"


def claim_next(reviewer: Person, ctx: Context) -> ReviewableFilm | None:
    """Claim the next film of tonight's queue, then of the night before's; None when nothing is left for the reviewer.

    A film the reviewer has claimed already comes first.
    """
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    for film_id, review in _available(reviewer, ctx):
        if ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME):
            return review.films[film_id]
    return None


def prefetch_next(reviewer: Person, film_id: int, ctx: Context) -> ReviewableFilm | None:
    """The film that follows the one on the screen, claimed for a short time: it has not been shown to anybody."""
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    for next_id, review in _available(reviewer, ctx):
        until = ctx.now + PREFETCH_LIFETIME
        if next_id != film_id and ctx.store.review.claim(next_id, reviewer.id, ctx.now, until, is_prefetched=True):
            return review.films[next_id]
    return None


def _available(reviewer: Person, ctx: Context) -> Iterator[tuple[int, NightReview]]:
    """The films left for this reviewer, in order, those claimed already first in each night."""
    claims = ctx.store.review.claims(ctx.now)
    for night in (ctx.night, ctx.night - ONE_DAY):
        review = night_review(ctx, night)
        pending = _pending_for(reviewer, review)
        own = [film_id for film_id in pending if claims.get(film_id) == reviewer.id]
        for film_id in [*own, *(each for each in pending if each not in claims)]:
            yield film_id, review


def _pending_for(reviewer: Person, review: NightReview) -> list[int]:
    """The films left to review, second reviews last and never of the reviewer's own verdict."""
    second = [each.submission_id for each, first in review.pending_second_reviews if first.person_id != reviewer.id]
    return [each.film_id for each in review.pending] + second


def claim(film_id: int, reviewer: Person, ctx: Context) -> bool:
    """Claim a certain film; False while another reviewer holds it."""
    ctx.store.lock_for_transaction(REVIEW_LOCK)
    return ctx.store.review.claim(film_id, reviewer.id, ctx.now, ctx.now + CLAIM_LIFETIME)
