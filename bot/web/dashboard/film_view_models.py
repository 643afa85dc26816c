"""What the templates show of films, gathered in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from handlers.permissions import Viewer
from schedules.reports.response_times import ResponseTimes, response_times
from schedules.review.night_review import NightReview, night_review
from schedules.review.queue import Queued
from schedules.rules import RuleBook
from storage.db.models import Answer, Enterprise, KeyPart, Look, Submission, Urge, Verdict
from storage.store import Store

_NIGHTS_BEFORE = 3


@dataclass(frozen=True)
class Card:
    """A film in a list."""

    film: Submission
    page: str
    code: str
    enterprise: str
    part: str
    risk: str | None
    placed: bool
    queued: bool
    reasons: tuple[str, ...]
    word: str | None
    by: str | None
    holder: str | None


@dataclass(frozen=True)
class Details:
    """All that is known of a film; `before` are the films of the same part from earlier nights, the latest first."""

    enterprise: Enterprise | None
    part: KeyPart | None
    sender: str
    verdicts: Sequence[Verdict]
    urges: Sequence[tuple[Urge, Sequence[Answer]]]
    looks: Sequence[Look]
    before: Sequence[Submission]
    times: ResponseTimes
    reasons: tuple[str, ...]
    drawn: bool
    holder: str | None


def cards(store: Store, night: date, rules: RuleBook, now: datetime, viewer: Viewer) -> list[Card]:
    """The films of a night that somebody may see; those to be reviewed first, in the order of the queue."""
    review, claims = night_review(store, night, rules, now), store.review.claims(now)
    enterprises, parts = store.register.names(), store.register.part_names()
    place = {each.film_id: number for number, each in enumerate(review.queued)}
    queued = {each.film_id: each for each in review.queued}
    films = [
        film
        for film in store.submissions.of_night(night)
        if film.kind == "film" and film.state == "filed" and viewer.sees(film.enterprise_id)
    ]
    films.sort(key=lambda film: (place.get(film.id, len(place)), film.number))
    return [_card(film, review, queued.get(film.id), claims, enterprises, parts, store) for film in films]


def _card(
    film: Submission, review: NightReview, queued: Queued | None, claims: dict[int, int],
    enterprises: dict[int, tuple[str, str]], parts: dict[int, str], store: Store,
) -> Card:  # fmt: skip
    verdict, reel = review.verdicts.get(film.id), review.reels.get(film.id)
    code, name = enterprises.get(film.enterprise_id or 0, ("", ""))
    holder = store.register.person(claims[film.id]) if film.id in claims else None
    return Card(
        film, f"/films/{film.night}/{film.receipt}", code, name, parts.get(film.part_id or 0, ""),
        (reel.part.risk or reel.enterprise.risk) if reel else None, film.place == "attributed", queued is not None,
        queued.reasons if queued else (), verdict.word if verdict else None, verdict.by if verdict else None,
        holder.name if holder else None,
    )  # fmt: skip


def details(store: Store, film: Submission, rules: RuleBook, now: datetime, viewer: Viewer) -> Details:
    """Everything about one film."""
    urges, claims = store.urges.of_film(film.id), store.review.claims(now)
    answers = store.urges.answers(urge.id for urge in urges)
    person, holder = (store.register.person(each or 0) for each in (film.person_id, claims.get(film.id)))
    review = night_review(store, film.night, rules, now, film.enterprise_id) if film.enterprise_id else None
    queued = next((each for each in review.queued if each.film_id == film.id), None) if review else None
    return Details(
        enterprise=store.register.enterprise(film.enterprise_id) if film.enterprise_id else None,
        part=store.register.part(film.part_id) if film.part_id else None,
        sender=person.name if person else film.sender,
        verdicts=store.review.history(film.id),
        urges=[(urge, [each for each in answers if each.urge_id == urge.id]) for urge in urges],
        looks=store.looks.of_film(film.id),
        before=store.submissions.of_part_before(film.part_id, film.night, _NIGHTS_BEFORE) if film.part_id else [],
        times=response_times(store, [film])[film.id],
        reasons=queued.reasons if queued else (),
        drawn=bool(queued and queued.drawn),
        holder=holder.name if holder and holder.id != viewer.person_id else None,
    )
