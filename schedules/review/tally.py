"""What a review amounts to: how much was to be watched, by whom it was, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field

from schedules.review.night_review import NightReview


@dataclass(frozen=True)
class ReviewFinding:
    """What somebody found wrong with a film: the verdict's word, the part, and why."""

    receipt: str
    part: str
    word: str
    reason: str | None


@dataclass(frozen=True)
class ReviewTally:
    """The review of a night, of the whole county or of one enterprise.

    `pending` are the receipts of what was to be watched and has not been; `watched_s` the reviewers' time.
    """

    due: int = 0
    done: int = 0
    pending: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    watched_s: float = 0.0
    words: dict[str, int] = field(default_factory=dict)
    findings: tuple[ReviewFinding, ...] = ()


NOTHING_TO_REVIEW = ReviewTally()


def tally_review(review: NightReview, enterprise_id: int | None = None) -> ReviewTally:
    """Count a review, of one enterprise or (None) of all."""
    reels = {
        film_id: reel
        for film_id, reel in review.films.items()
        if enterprise_id is None or reel.enterprise.id == enterprise_id
    }
    verdicts = [each for film_id, each in review.verdicts.items() if film_id in reels]
    due = sum(each.film_id in reels for each in review.queued)
    pending = tuple(reels[each.film_id].film.receipt for each in review.pending if each.film_id in reels)
    words: dict[str, int] = {}
    for each in verdicts:
        words[each.verdict] = words.get(each.verdict, 0) + 1
    return ReviewTally(
        due,
        due - len(pending),
        pending,
        tuple(dict.fromkeys(each.reviewer_name for each in verdicts)),
        round(sum(each.watched_s for each in verdicts), 1),
        words,
        tuple(
            ReviewFinding(reel.film.receipt, f"{reel.part.number} {reel.part.name}", each.verdict, each.reason)
            for each in verdicts
            if each.verdict != "fit" and (reel := reels[each.submission_id])
        ),
    )
