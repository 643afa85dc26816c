"""How long things took: sent, seen, judged, urged, answered. It measures the supervisors as well as the supervised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db.models import Submission
from storage.store import Store


@dataclass(frozen=True)
class ResponseTimes:
    """The instants of one film; None for what has not happened. Judged is the first verdict, urged what really left."""

    sent_at: datetime
    received_at: datetime
    seen_at: datetime | None = None
    judged_at: datetime | None = None
    urged_at: datetime | None = None
    answered_at: datetime | None = None


STEPS = (("received_at", "seen_at"), ("seen_at", "judged_at"), ("judged_at", "urged_at"), ("urged_at", "answered_at"))


@dataclass(frozen=True)
class Step:
    """How long one step took: so many films went through it, half of them within `median`, all within `longest`."""

    begins: str
    ends: str
    number: int
    median: timedelta
    longest: timedelta


def steps(times: Iterable[ResponseTimes]) -> list[Step]:
    """The steps that any film has gone through, in their order."""
    found, times = [], list(times)
    for begins, ends in STEPS:
        pairs = [(getattr(each, begins), getattr(each, ends)) for each in times]
        took = sorted(end - begin for begin, end in pairs if begin and end and end >= begin)
        if took:
            found.append(Step(begins, ends, len(took), took[len(took) // 2], took[-1]))
    return found


def response_times(store: Store, films: Iterable[Submission]) -> dict[int, ResponseTimes]:
    """The instants of these films, by film id, in as many queries for many as for one."""
    films = list(films)
    ids = [film.id for film in films]
    seen, judged = store.looks.first_seen(ids), store.review.first_judged(ids)
    urged, answered = store.urges.first_urged(ids), store.urges.first_answered(ids)
    return {
        film.id: ResponseTimes(
            film.sent_at, film.received_at, seen.get(film.id), judged.get(film.id), urged.get(film.id),
            answered.get(film.id),
        )
        for film in films
    }  # fmt: skip
