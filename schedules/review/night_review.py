"""The review of a night: what is to be watched, what has been, and what falls due about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.context import Context
from schedules.notify import notify_system, was_in_service
from schedules.patrol_night import ONE_DAY, night_instant, night_of, shift_day_of_night
from schedules.review.queue import QueuedFilm, ReviewCandidate, build_queue, choose_second_reviews, stable_random
from schedules.rules import RuleBook
from storage.db.models import Enterprise, KeyPart, SecondReview, Submission, Verdict
from storage.store import Store

# These never count for the night, so nobody has to watch them for it.
_BESIDE_THE_NIGHT = {"early", "supplied_afterwards"}
# The deadline is made up for after an outage, but not for nights long past.
_LOOK_BACK = ONE_DAY


@dataclass(frozen=True)
class ReviewableFilm:
    """A film that can be reviewed, and where it belongs."""

    film: Submission
    enterprise: Enterprise
    part: KeyPart


@dataclass(frozen=True)
class NightReview:
    """What is to be reviewed of a night, in order, and what stands for each film (by film id)."""

    night: date
    films: Mapping[int, ReviewableFilm]
    queued: Sequence[QueuedFilm]
    verdicts: Mapping[int, Verdict]
    second_reviews: Sequence[tuple[SecondReview, Verdict]] = ()

    @property
    def pending(self) -> list[QueuedFilm]:
        """What nobody has judged yet."""
        return [each for each in self.queued if each.film_id not in self.verdicts]

    @property
    def pending_second_reviews(self) -> list[tuple[SecondReview, Verdict]]:
        """What was drawn for a second look and has not had it."""
        return [
            (look, first)
            for look, first in self.second_reviews
            if look.second_verdict_id is None and look.submission_id in self.films
        ]


def night_review(
    store: Store, night: date, rules: RuleBook, as_of: datetime, enterprise_id: int | None = None
) -> NightReview:
    """The review of a night as it stood at an instant, of the whole county or of one enterprise."""
    reels = {
        film.id: ReviewableFilm(film, enterprise, part)
        for film, enterprise, part in store.review.reviewable_films(night, enterprise_id)
        if film.received_at <= as_of
    }
    troubled = store.review.parts_with_problems(night - ONE_DAY)
    watched_for_the_night = [
        _candidate(reel, troubled) for reel in reels.values() if not _BESIDE_THE_NIGHT & set(reel.film.marks)
    ]
    return NightReview(
        night,
        reels,
        build_queue(watched_for_the_night, rules.for_night(night).review_share),
        {each.submission_id: each for each in store.review.verdicts_at(night, as_of)},
        [(look, first) for look, first in store.review.second_reviews(night) if look.selected_at <= as_of],
    )


def _candidate(reel: ReviewableFilm, troubled: set[int]) -> ReviewCandidate:
    """The lot follows from the bytes and from the instant they came: whoever sends a film chooses neither as a pair."""
    film = reel.film
    return ReviewCandidate(
        film.id,
        film.sent_at,
        stable_random(film.sha256, film.received_at.timestamp(), film.id),
        reel.part.risk or reel.enterprise.risk,
        reel.enterprise.major_hazard_sources,
        frozenset(film.marks),
        reel.part.id in troubled,
    )


def review_deadline(night: date, rules: RuleBook) -> datetime:
    """Until when a night is to be reviewed."""
    return night_instant(night, rules.for_night(night).review_until, rules)


def close_reviews(ctx: Context) -> None:
    """At the review's deadline: draw the second looks, and tell the leader and the office of the county's own gap."""
    last = night_of(ctx.now, ctx.rules)
    for night in (last - _LOOK_BACK, last):
        due, key = review_deadline(night, ctx.rules), f"review-deadline/{night}"
        if due <= ctx.now and was_in_service(ctx.store, due) and not ctx.store.facts.decided([key]):
            review = night_review(ctx.store, night, ctx.rules, ctx.now)
            ctx.store.facts.decide(key, ctx.now, f"{len(review.pending)} unreviewed")
            _draw(review, ctx)
            if review.pending:
                _tell_gap(review, ctx)


def _draw(review: NightReview, ctx: Context) -> None:
    """Seeded from everything that came and everything that was judged that night, which nobody has in his hand."""
    fit = [each for each in review.verdicts.values() if each.verdict == "fit"]
    named = [(each.submission_id, review.films[each.submission_id].film.receipt) for each in fit]
    chosen = set(choose_second_reviews(named, _seed(review), ctx.rules.for_night(review.night).second_review_share))
    ctx.store.review.select_for_second_review([each for each in fit if each.submission_id in chosen], ctx.now)


def _seed(review: NightReview) -> str:
    facts = [f"{reel.film.receipt} {reel.film.sha256}" for reel in review.films.values()]
    facts += [f"{each.submission_id} {each.verdict} {each.given_at.timestamp()}" for each in review.verdicts.values()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _tell_gap(review: NightReview, ctx: Context) -> None:
    leaders = ctx.store.duty.people_on_shift(shift_day_of_night(review.night))["leader"]
    receipts = [review.films[each.film_id].film.receipt for each in review.pending]
    facts = {"patrol_night": f"{review.night:%m-%d}", "due": len(review.queued), "receipts": receipts}
    for person in {each.id: each for each in [*leaders, *ctx.store.register.office_staff()]}.values():
        once_key = f"review-deadline/{review.night}/{person.id}"
        until = f"{review_deadline(review.night, ctx.rules).astimezone(ctx.rules.zone):%H:%M}"
        notify_system(
            person,
            ctx.store,
            review.night,
            ctx.now,
            "review.films_not_reviewed",
            once_key,
            until=until,
            remaining=len(receipts),
            **facts,
        )
