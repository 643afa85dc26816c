"""Which films are to be reviewed, and which first: the riskiest, then a random sample of the rest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# What makes a film worth watching, and how much. From RISKY on it is watched in any case.
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
_COLOURS = {"红": "red", "橙": "orange", "黄": "yellow"}


@dataclass(frozen=True)
class ReviewCandidate:
    """A film as the queue sees it.

    `risk` is the part's colour, failing it the enterprise's; `sources` how many major hazard sources the enterprise
    has; `troubled` that something was wrong with the part the night before; `lot` a number in [0, 1) that nobody chose.
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
    """A film that is to be reviewed, and why: reasons are keys of WEIGHTS, none for one drawn by lot."""

    film_id: int
    reasons: tuple[str, ...]
    sampled: bool


def review_reasons(film: ReviewCandidate) -> tuple[str, ...]:
    """Why a film is worth watching, the weightiest first."""
    found = {mark for mark in film.marks if mark in REASON_WEIGHTS}
    if film.risk in _COLOURS:
        found.add(_COLOURS[film.risk])
    if film.had_problem:
        found.add("problem_last_night")
    if film.major_hazard_sources:
        found.add("major_hazard")
    return tuple(reason for reason in REASON_WEIGHTS if reason in found)


def build_queue(films: Iterable[ReviewCandidate], share: float) -> list[QueuedFilm]:
    """What is to be reviewed of these films, in the order in which it should be."""
    risky, rest = [], []
    for film in films:
        why = review_reasons(film)
        score = sum(REASON_WEIGHTS[reason] for reason in why)
        if score >= ALWAYS_REVIEW_SCORE:
            risky.append((-score, film.sent_at, film.film_id, why))
        elif film.sample_value < share:
            rest.append((film.sample_value, film.film_id))
    first = [QueuedFilm(film_id, why, sampled=False) for _, _, film_id, why in sorted(risky)]
    return first + [QueuedFilm(film_id, (), sampled=True) for _, film_id in sorted(rest)]


def stable_random(*facts: object) -> float:
    """A number in [0, 1) that follows from these facts: drawn again it is the same, and no one can choose it."""
    digest = hashlib.sha256("\n".join(map(str, facts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def choose_second_reviews(fit_films: Sequence[tuple[int, str]], seed: str, share: float) -> list[int]:
    """Of what was judged fit (id and what names it), the share that is looked at again; at least one of any."""
    drawn = sorted(fit_films, key=lambda each: stable_random(seed, each[1]))
    return [number for number, _ in drawn[: -(-len(fit_films) * round(share * 10_000) // 10_000)]]
