"""How long things took: sent, seen, judged, urged, answered. It measures the supervisors as well as the supervised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.models import Submission
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
