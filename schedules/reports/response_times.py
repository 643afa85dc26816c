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
    viewed_at: datetime | None = None
    judged_at: datetime | None = None
    requested_at: datetime | None = None
    answered_at: datetime | None = None


STEPS = (
    ("received_at", "viewed_at"),
    ("viewed_at", "judged_at"),
    ("judged_at", "requested_at"),
    ("requested_at", "answered_at"),
)


@dataclass(frozen=True)
class StepDuration:
    """How long one step took: so many films went through it, half of them within `median`, all within `longest`."""

    begins: str
    ends: str
    count: int
    median: timedelta
    longest: timedelta


def step_durations(times: Iterable[ResponseTimes]) -> list[StepDuration]:
    """The steps that any film has gone through, in their order."""
    found, times = [], list(times)
    for begins, ends in STEPS:
        pairs = [(getattr(each, begins), getattr(each, ends)) for each in times]
        took = sorted(end - begin for begin, end in pairs if begin and end and end >= begin)
        if took:
            found.append(StepDuration(begins, ends, len(took), took[len(took) // 2], took[-1]))
    return found


def response_times(store: Store, films: Iterable[Submission]) -> dict[int, ResponseTimes]:
    """The instants of these films, by film id, in as many queries for many as for one."""
    films = list(films)
    ids = [film.id for film in films]
    seen, judged = store.view_log.first_viewed_at(ids), store.review.first_reviewed_at(ids)
    urged, answered = store.rectifications.first_requested_at(ids), store.rectifications.first_answered_at(ids)
    return {
        film.id: ResponseTimes(
            film.sent_at,
            film.received_at,
            seen.get(film.id),
            judged.get(film.id),
            urged.get(film.id),
            answered.get(film.id),
        )
        for film in films
    }
