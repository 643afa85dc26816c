"""The review of a night: what is to be watched, what has been, and what falls due about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.notify import awake_at, tell
from schedules.patrol_night import ONE_DAY, moment, night_of, shift_of_night
from schedules.review.queue import Candidate, Queued, lot, queue, second_looks
from schedules.rules import RuleBook
from storage.db.models import Enterprise, KeyPart, SecondLook, Submission, Verdict
from storage.store import Store

# These never count for the night, so nobody has to watch them for it.
_BESIDE_THE_NIGHT = {"early", "supplied_afterwards"}
# The deadline is made up for after an outage, but not for nights long past.
_LOOK_BACK = ONE_DAY


@dataclass(frozen=True)
class Reel:
    """A film that can be reviewed, and where it belongs."""

    film: Submission
    enterprise: Enterprise
    part: KeyPart


@dataclass(frozen=True)
class NightReview:
    """What is to be reviewed of a night, in order, and what stands for each film (by film id)."""

    night: date
    reels: Mapping[int, Reel]
    queued: Sequence[Queued]
    verdicts: Mapping[int, Verdict]
    drawn: Sequence[tuple[SecondLook, Verdict]] = ()

    @property
    def pending(self) -> list[Queued]:
        """What nobody has judged yet."""
        return [each for each in self.queued if each.film_id not in self.verdicts]

    @property
    def second_pending(self) -> list[tuple[SecondLook, Verdict]]:
        """What was drawn for a second look and has not had it."""
        return [
            (look, first) for look, first in self.drawn if look.verdict_id is None and look.submission_id in self.reels
        ]


def night_review(
    store: Store, night: date, rules: RuleBook, at: datetime, enterprise_id: int | None = None
) -> NightReview:
    """The review of a night as it stood at an instant, of the whole county or of one enterprise."""
    reels = {
        film.id: Reel(film, enterprise, part)
        for film, enterprise, part in store.review.films(night, enterprise_id)
        if film.received_at <= at
    }
    troubled = store.review.troubled_parts(night - ONE_DAY)
    watched_for_the_night = [
        _candidate(reel, troubled) for reel in reels.values() if not _BESIDE_THE_NIGHT & set(reel.film.marks)
    ]
    return NightReview(
        night,
        reels,
        queue(watched_for_the_night, rules.on(night).review_share),
        {each.submission_id: each for each in store.review.verdicts(night, at)},
        [(look, first) for look, first in store.review.drawn(night) if look.drawn_at <= at],
    )


def _candidate(reel: Reel, troubled: set[int]) -> Candidate:
    """The lot follows from the bytes and from the instant they came: whoever sends a film chooses neither as a pair."""
    film = reel.film
    return Candidate(
        film.id,
        film.sent_at,
        lot(film.sha256, film.received_at.timestamp(), film.id),
        reel.part.risk or reel.enterprise.risk,
        reel.enterprise.major_hazard_sources,
        frozenset(film.marks),
        reel.part.id in troubled,
    )


def deadline(night: date, rules: RuleBook) -> datetime:
    """Until when a night is to be reviewed."""
    return moment(night, rules.on(night).review_until, rules)


def end_reviews(store: Store, rules: RuleBook, now: datetime) -> None:
    """At the review's deadline: draw the second looks, and tell the leader and the office of the county's own gap."""
    last = night_of(now, rules)
    for night in (last - _LOOK_BACK, last):
        due, key = deadline(night, rules), f"review/{night}"
        if due <= now and awake_at(store, due) and not store.records.decided([key]):
            review = night_review(store, night, rules, now)
            store.records.decide(key, now, f"{len(review.pending)} unreviewed")
            _draw(review, store, rules, now)
            if review.pending:
                _tell_gap(review, store, rules, now)


def _draw(review: NightReview, store: Store, rules: RuleBook, now: datetime) -> None:
    """Seeded from everything that came and everything that was judged that night, which nobody has in his hand."""
    fit = [each for each in review.verdicts.values() if each.word == "fit"]
    named = [(each.submission_id, review.reels[each.submission_id].film.receipt) for each in fit]
    chosen = set(second_looks(named, _seed(review), rules.on(review.night).second_share))
    store.review.draw([each for each in fit if each.submission_id in chosen], now)


def _seed(review: NightReview) -> str:
    facts = [f"{reel.film.receipt} {reel.film.sha256}" for reel in review.reels.values()]
    facts += [f"{each.submission_id} {each.word} {each.given_at.timestamp()}" for each in review.verdicts.values()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _tell_gap(review: NightReview, store: Store, rules: RuleBook, now: datetime) -> None:
    leaders = store.duty.on(shift_of_night(review.night))["leader"]
    receipts = [review.reels[each.film_id].film.receipt for each in review.pending]
    facts = {"morning": f"{review.night:%m-%d}", "due": len(review.queued), "receipts": receipts}
    for person in {each.id: each for each in [*leaders, *store.register.office()]}.values():
        once_key = f"review/{review.night}/{person.id}"
        until = f"{deadline(review.night, rules).astimezone(rules.zone):%H:%M}"
        tell(person, store, review.night, now, "review.gap", once_key, until=until, left=len(receipts), **facts)
