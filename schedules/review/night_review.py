"""The review of a night: which films to review, which verdicts there are, and what happens at the deadline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.context import Context
from schedules.notify import notify_system, was_in_service
from schedules.patrol_night import ONE_DAY, night_instant, shift_day_of_night
from schedules.review.queue import (
    QueuedFilm,
    ReviewCandidate,
    build_queue,
    choose_second_reviews,
    plain_in_order,
    stable_random,
)
from schedules.rules import RuleBook
from storage.db.models import Enterprise, KeyPart, SecondReview, Submission, Verdict

# Films with these marks never count for the night, so they need no review.
_NOT_COUNTING = {"early", "supplied_afterwards"}


@dataclass(frozen=True)
class ReviewableFilm:
    """A film that can be reviewed, with its enterprise and part."""

    film: Submission
    enterprise: Enterprise
    part: KeyPart


@dataclass(frozen=True)
class NightReview:
    """The films and verdicts of a night by film id, and the queue in the order in which to review it."""

    night: date
    films: Mapping[int, ReviewableFilm]
    queued: Sequence[QueuedFilm]
    verdicts: Mapping[int, Verdict]
    second_reviews: Sequence[tuple[SecondReview, Verdict]] = ()
    candidates: Sequence[ReviewCandidate] = ()
    share: float = 0.0

    @property
    def plain(self) -> list[int]:
        """The ids of the films that may be judged by their contact sheets, those to look at first first."""
        return plain_in_order(self.candidates, self.share)

    @property
    def pending(self) -> list[QueuedFilm]:
        """The queued films without a verdict."""
        return [each for each in self.queued if each.film_id not in self.verdicts]

    @property
    def pending_second_reviews(self) -> list[tuple[SecondReview, Verdict]]:
        """The selected second reviews that have not been done, each with the first verdict."""
        return [
            (second, first)
            for second, first in self.second_reviews
            if second.second_verdict_id is None and second.submission_id in self.films
        ]


def night_review(ctx: Context, night: date, enterprise_id: int | None = None) -> NightReview:
    """The review of a night as it stood at `ctx.now`, of the whole county or of one enterprise."""
    review = ctx.store.review
    films = {
        film.id: ReviewableFilm(film, enterprise, part)
        for film, enterprise, part in review.reviewable_films(night, enterprise_id)
        if film.received_at <= ctx.now
    }
    problem_parts = review.parts_with_problems(night - ONE_DAY)
    counting = [each for each in films.values() if not _NOT_COUNTING & set(each.film.marks)]
    candidates = [_candidate(each, problem_parts) for each in counting]
    share = ctx.rules.for_night(night).review_share
    return NightReview(
        night,
        films,
        build_queue(candidates, share),
        {each.submission_id: each for each in review.verdicts_at(night, ctx.now)},
        [(second, first) for second, first in review.second_reviews(night) if second.selected_at <= ctx.now],
        candidates,
        share,
    )


def _candidate(reviewable: ReviewableFilm, problem_parts: set[int]) -> ReviewCandidate:
    """The sample value follows from the bytes and the instant of receipt: a sender cannot choose both."""
    film = reviewable.film
    return ReviewCandidate(
        film.id,
        film.sent_at,
        stable_random(film.sha256, film.received_at.timestamp(), film.id),
        reviewable.part.risk or reviewable.enterprise.risk,
        reviewable.enterprise.major_hazard_sources,
        frozenset(film.marks),
        reviewable.part.id in problem_parts,
    )


def review_deadline(night: date, rules: RuleBook) -> datetime:
    """Until when a night is to be reviewed."""
    return night_instant(night, rules.for_night(night).review_until, rules)


def close_reviews(ctx: Context) -> None:
    """At the deadline, select the second reviews, and tell the leader and the office which films were not reviewed.

    After an outage this is made up for, but only for the night before.
    """
    for night in (ctx.night - ONE_DAY, ctx.night):
        due, key = review_deadline(night, ctx.rules), f"review-deadline/{night}"
        if due <= ctx.now and was_in_service(ctx.store, due) and not ctx.store.facts.decided([key]):
            review = night_review(ctx, night)
            ctx.store.facts.decide(key, ctx.now, f"{len(review.pending)} unreviewed")
            _select_second_reviews(review, ctx)
            if review.pending:
                _notify_unreviewed(review, ctx)


def _select_second_reviews(review: NightReview, ctx: Context) -> None:
    fit = [each for each in review.verdicts.values() if each.verdict == "fit"]
    receipts = [(each.submission_id, review.films[each.submission_id].film.receipt) for each in fit]
    share = ctx.rules.for_night(review.night).second_review_share
    chosen = set(choose_second_reviews(receipts, _seed(review), share))
    ctx.store.review.select_for_second_review([each for each in fit if each.submission_id in chosen], ctx.now)


def _seed(review: NightReview) -> str:
    """Derived from everything received and judged that night, which no single person controls."""
    lines = [f"{each.film.receipt} {each.film.sha256}" for each in review.films.values()]
    lines += [f"{each.submission_id} {each.verdict} {each.given_at.timestamp()}" for each in review.verdicts.values()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _notify_unreviewed(review: NightReview, ctx: Context) -> None:
    leaders = ctx.store.duty.people_on_shift(shift_day_of_night(review.night))["leader"]
    receipts = [review.films[each.film_id].film.receipt for each in review.pending]
    params = {
        "patrol_night": f"{review.night:%m-%d}",
        "due": len(review.queued),
        "receipts": receipts,
        "remaining": len(receipts),
        "until": ctx.rules.clock_time(review_deadline(review.night, ctx.rules)),
    }
    for person in {each.id: each for each in [*leaders, *ctx.store.register.office_staff()]}.values():
        once_key = f"review-deadline/{review.night}/{person.id}"
        notify_system(person, ctx, review.night, "review.films_not_reviewed", once_key, **params)
