"""The counts of a review: how much was to be reviewed, who reviewed it, and what was found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from schedules.review.night_review import NightReview


@dataclass(frozen=True)
class ReviewFinding:
    """A verdict other than `fit` on a film."""

    receipt: str
    part: str
    word: str
    reason: str | None


@dataclass(frozen=True)
class ReviewTally:
    """The review of a night, of the whole county or of one enterprise.

    `pending` are the receipts of the films to review without a verdict; `words` counts the verdicts; `watched_s` is
    the time spent watching.
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
    """The counts of a review, of one enterprise or (None) of all."""
    films = {
        film_id: reviewable
        for film_id, reviewable in review.films.items()
        if enterprise_id is None or reviewable.enterprise.id == enterprise_id
    }
    verdicts = [each for film_id, each in review.verdicts.items() if film_id in films]
    due = sum(each.film_id in films for each in review.queued)
    pending = tuple(films[each.film_id].film.receipt for each in review.pending if each.film_id in films)
    return ReviewTally(
        due,
        due - len(pending),
        pending,
        tuple(dict.fromkeys(each.reviewer_name for each in verdicts)),
        round(sum(each.watched_s for each in verdicts), 1),
        dict(Counter(each.verdict for each in verdicts)),
        tuple(
            ReviewFinding(reviewable.film.receipt, reviewable.part.label, each.verdict, each.reason)
            for each in verdicts
            if each.verdict != "fit" and (reviewable := films[each.submission_id])
        ),
    )
