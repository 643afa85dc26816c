"""Which films are to be reviewed, and which first: the riskiest, then a random sample of the rest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# What makes a film worth watching, and how much. From RISKY on it is watched in any case.
WEIGHTS: Mapping[str, int] = {
    "seen_at_other_enterprise": 60,
    "seen_in_earlier_night": 60,
    "troubled": 40,
    "red": 25,
    "source": 20,
    "orange": 10,
    "yellow": 3,
    "late": 2,
}
RISKY = 20
_COLOURS = {"红": "red", "橙": "orange", "黄": "yellow"}


@dataclass(frozen=True)
class Candidate:
    """A film as the queue sees it.

    `risk` is the part's colour, failing it the enterprise's; `sources` how many major hazard sources the enterprise
    has; `troubled` that something was wrong with the part the night before; `lot` a number in [0, 1) that nobody chose.
    """

    film_id: int
    sent_at: datetime
    lot: float
    risk: str | None = None
    sources: int = 0
    marks: frozenset[str] = frozenset()
    troubled: bool = False


@dataclass(frozen=True)
class Queued:
    """A film that is to be reviewed, and why: reasons are keys of WEIGHTS, none for one drawn by lot."""

    film_id: int
    reasons: tuple[str, ...]
    drawn: bool


def reasons(film: Candidate) -> tuple[str, ...]:
    """Why a film is worth watching, the weightiest first."""
    found = {mark for mark in film.marks if mark in WEIGHTS}
    if film.risk in _COLOURS:
        found.add(_COLOURS[film.risk])
    if film.troubled:
        found.add("troubled")
    if film.sources:
        found.add("source")
    return tuple(reason for reason in WEIGHTS if reason in found)


def queue(films: Iterable[Candidate], share: float) -> list[Queued]:
    """What is to be reviewed of these films, in the order in which it should be."""
    risky, rest = [], []
    for film in films:
        why = reasons(film)
        score = sum(WEIGHTS[reason] for reason in why)
        if score >= RISKY:
            risky.append((-score, film.sent_at, film.film_id, why))
        elif film.lot < share:
            rest.append((film.lot, film.film_id))
    first = [Queued(film_id, why, drawn=False) for _, _, film_id, why in sorted(risky)]
    return first + [Queued(film_id, (), drawn=True) for _, film_id in sorted(rest)]


def lot(*facts: object) -> float:
    """A number in [0, 1) that follows from these facts: drawn again it is the same, and no one can choose it."""
    digest = hashlib.sha256("\n".join(map(str, facts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def second_looks(judged: Sequence[tuple[int, str]], seed: str, share: float) -> list[int]:
    """Of what was judged fit (id and what names it), the share that is looked at again; at least one of any."""
    drawn = sorted(judged, key=lambda each: lot(seed, each[1]))
    return [number for number, _ in drawn[: -(-len(judged) * round(share * 10_000) // 10_000)]]
