"""How long the steps after a film took: received, viewed, judged, told to the enterprise, put right.

It measures the supervisors as well as the enterprises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db.models import Submission
from storage.store import Store


@dataclass(frozen=True)
class ResponseTimes:
    """The instants of one film, None for what has not happened.

    `judged_at` is the first verdict; `told_at` is when the message about a hazard was really sent.
    """

    sent_at: datetime
    received_at: datetime
    viewed_at: datetime | None = None
    judged_at: datetime | None = None
    told_at: datetime | None = None
    submitted_at: datetime | None = None


STEPS = (
    ("received_at", "viewed_at"),
    ("viewed_at", "judged_at"),
    ("judged_at", "told_at"),
    ("told_at", "submitted_at"),
)


@dataclass(frozen=True)
class StepDuration:
    """How long one step took, over the `count` films that went through it."""

    begins: str
    ends: str
    count: int
    median: timedelta
    longest: timedelta


def step_durations(times: Iterable[ResponseTimes]) -> list[StepDuration]:
    """The steps that any film has gone through, in order."""
    durations, times = [], list(times)
    for begins, ends in STEPS:
        instants = [(getattr(each, begins), getattr(each, ends)) for each in times]
        took = sorted(end - begin for begin, end in instants if begin and end and end >= begin)
        if took:
            durations.append(StepDuration(begins, ends, len(took), took[len(took) // 2], took[-1]))
    return durations


def response_times(store: Store, films: Sequence[Submission]) -> dict[int, ResponseTimes]:
    """The instants of these films by film id, with as many queries for many as for one."""
    ids = [film.id for film in films]
    viewed, judged = store.view_log.first_viewed_at(ids), store.review.first_reviewed_at(ids)
    told, submitted = store.hazards.first_told_at(ids), store.hazards.first_submitted_at(ids)
    return {
        film.id: ResponseTimes(
            film.sent_at,
            film.received_at,
            viewed.get(film.id),
            judged.get(film.id),
            told.get(film.id),
            submitted.get(film.id),
        )
        for film in films
    }
