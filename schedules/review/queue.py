"""Which films are to be reviewed, and which first: the riskiest, then a random sample of the rest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# The reasons to review a film and their weights; from ALWAYS_REVIEW_SCORE on a film is always reviewed.
REASON_WEIGHTS: Mapping[str, int] = {
    "seen_at_other_enterprise": 60,
    "seen_in_earlier_night": 60,
    "problem_last_night": 40,
    "red": 25,
    "major_hazard": 20,
    "orange": 10,
    "yellow": 3,
    "late": 2,
}
ALWAYS_REVIEW_SCORE = 20
# Reasons and marks that suggest an old or foreign film, or a danger that was there before.
GRAVE_REASONS = frozenset({"seen_at_other_enterprise", "seen_in_earlier_night", "problem_last_night", "digest_differs"})
_COLOURS = {"红": "red", "橙": "orange", "黄": "yellow"}


@dataclass(frozen=True)
class ReviewCandidate:
    """A film that may be reviewed.

    `risk` is the part's colour, else the enterprise's. `sample_value` is a number in [0, 1) that no person can choose.
    `had_problem` says that the part had a problem the night before.
    """

    film_id: int
    sent_at: datetime
    sample_value: float
    risk: str | None = None
    major_hazard_sources: int = 0
    marks: frozenset[str] = frozenset()
    had_problem: bool = False


@dataclass(frozen=True)
class QueuedFilm:
    """A film to review, with the reasons (keys of REASON_WEIGHTS), none for one from the random sample."""

    film_id: int
    reasons: tuple[str, ...]
    sampled: bool


def review_reasons(film: ReviewCandidate) -> tuple[str, ...]:
    """The reasons to review a film, the weightiest first."""
    reasons = {*film.marks, _COLOURS.get(film.risk or "")}
    if film.had_problem:
        reasons.add("problem_last_night")
    if film.major_hazard_sources:
        reasons.add("major_hazard")
    return tuple(reason for reason in REASON_WEIGHTS if reason in reasons)


def build_queue(films: Iterable[ReviewCandidate], share: float) -> list[QueuedFilm]:
    """The films to review, in the order in which to review them; `share` is the sampled fraction of the others."""
    risky, sampled = [], []
    for film in films:
        reasons = review_reasons(film)
        score = sum(REASON_WEIGHTS[reason] for reason in reasons)
        if score >= ALWAYS_REVIEW_SCORE:
            risky.append((-score, film.sent_at, film.film_id, reasons))
        elif film.sample_value < share:
            sampled.append((film.sample_value, film.film_id))
    first = [QueuedFilm(film_id, reasons, sampled=False) for _, _, film_id, reasons in sorted(risky)]
    return first + [QueuedFilm(film_id, (), sampled=True) for _, film_id in sorted(sampled)]


def plain_in_order(films: Iterable[ReviewCandidate], share: float) -> list[int]:
    """The ids of the films that need not be watched one by one, the sampled ones first, then by risk.

    They have no mark, and by the order above none of them must always be reviewed.
    """
    plain = []
    for film in films:
        score = sum(REASON_WEIGHTS[reason] for reason in review_reasons(film))
        if score < ALWAYS_REVIEW_SCORE and not film.marks:
            is_sampled = film.sample_value < share
            plain.append((not is_sampled, film.sample_value if is_sampled else -score, film.sent_at, film.film_id))
    return [film_id for *_, film_id in sorted(plain)]


def stable_random(*values: object) -> float:
    """A number in [0, 1) derived from these values: stable for the same values, and not for a person to choose."""
    digest = hashlib.sha256("\n".join(map(str, values)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def choose_second_reviews(fit_films: Sequence[tuple[int, str]], seed: str, share: float) -> list[int]:
    """The ids of the fit films (given as id and receipt) to review a second time, at least one if there are any."""
    shuffled = sorted(fit_films, key=lambda each: stable_random(seed, each[1]))
    count = -(-len(fit_films) * round(share * 10_000) // 10_000)  # rounded up
    return [film_id for film_id, _ in shuffled[:count]]
