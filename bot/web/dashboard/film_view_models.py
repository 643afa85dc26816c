"""The data of films for the templates, loaded in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.web.dashboard.film_access import film_page_url
from handlers.hazards.access import may_see
from handlers.permissions import Viewer
from handlers.unplaced_films import PartChoices, film_choices
from schedules.context import Context
from schedules.reports.response_times import ResponseTimes, response_times
from schedules.review.night_review import NightReview, night_review
from schedules.review.queue import QueuedFilm
from storage.db.models import Enterprise, FilmView, Hazard, KeyPart, Submission, Verdict
from storage.review import UNDO_PERIOD
from storage.store import Store

_EARLIER_NIGHTS = 3


@dataclass(frozen=True)
class FilmCard:
    film: Submission
    page_url: str
    enterprise_code: str
    enterprise_name: str
    part_name: str
    risk: str | None
    is_attributed: bool
    in_review_queue: bool
    review_reasons: tuple[str, ...]
    verdict: str | None
    judged_by: str | None
    claimed_by: str | None


@dataclass(frozen=True)
class FilmDetails:
    """The content of a film's page. `earlier_films` are of the same part and earlier nights, the latest first."""

    enterprise: Enterprise | None
    part: KeyPart | None
    part_choices: PartChoices | None
    sender_name: str
    verdicts: Sequence[Verdict]
    hazards: Sequence[Hazard]
    views: Sequence[FilmView]
    earlier_films: Sequence[Submission]
    response_times: ResponseTimes
    review_reasons: tuple[str, ...]
    sampled: bool
    claimed_by: str | None


def film_cards(ctx: Context, night: date, viewer: Viewer) -> list[FilmCard]:
    """The films of a night that the viewer may see: the review queue in its order, then all others."""
    review, claims = night_review(ctx, night), ctx.store.review.claims(ctx.now)
    enterprises, parts = ctx.store.register.enterprise_names(), ctx.store.register.part_names()
    position = {each.film_id: number for number, each in enumerate(review.queued)}
    queued = {each.film_id: each for each in review.queued}
    films = [
        film
        for film in ctx.store.submissions.of_night(night)
        if film.kind == "film" and film.state == "filed" and viewer.can_see(film.enterprise_id)
    ]
    films.sort(key=lambda film: (position.get(film.id, len(position)), film.number))
    review = replace(review, verdicts=visible_verdicts(review, viewer, ctx))
    return [_card(film, review, queued.get(film.id), claims, enterprises, parts, ctx.store) for film in films]


def _card(
    film: Submission,
    review: NightReview,
    queued: QueuedFilm | None,
    claims: dict[int, int],
    enterprises: dict[int, tuple[str, str]],
    parts: dict[int, str],
    store: Store,
) -> FilmCard:
    verdict, in_review = review.verdicts.get(film.id), review.films.get(film.id)
    code, name = enterprises.get(film.enterprise_id or 0, ("", ""))
    holder = store.register.person(claims[film.id]) if film.id in claims else None
    return FilmCard(
        film,
        film_page_url(film),
        code,
        name,
        parts.get(film.part_id or 0, ""),
        (in_review.part.risk or in_review.enterprise.risk) if in_review else None,
        film.attribution == "attributed",
        queued is not None,
        queued.reasons if queued else (),
        verdict.verdict if verdict else None,
        verdict.reviewer_name if verdict else None,
        holder.name if holder else None,
    )


def visible_verdicts(review: NightReview, viewer: Viewer, ctx: Context) -> dict[int, Verdict]:
    """Film id -> the verdict on it that the viewer may see."""
    return {film_id: each for film_id, each in review.verdicts.items() if _is_visible(each, viewer, ctx)}


def _is_visible(verdict: Verdict, viewer: Viewer, ctx: Context) -> bool:
    """An enterprise sees a verdict once it cannot be undone any more."""
    has_effect = not verdict.is_undone and verdict.given_at + UNDO_PERIOD <= ctx.now
    return viewer.enterprise_ids is None or has_effect


def film_details(ctx: Context, film: Submission, viewer: Viewer) -> FilmDetails:
    claims = ctx.store.review.claims(ctx.now)
    person, holder = (ctx.store.register.person(each or 0) for each in (film.person_id, claims.get(film.id)))
    review = night_review(ctx, film.night, film.enterprise_id) if film.enterprise_id else None
    queued = next((each for each in review.queued if each.film_id == film.id), None) if review else None
    return FilmDetails(
        enterprise=ctx.store.register.enterprise(film.enterprise_id) if film.enterprise_id else None,
        part=ctx.store.register.part(film.part_id) if film.part_id else None,
        part_choices=film_choices(film, ctx) if viewer.may("films.attach") else None,
        sender_name=person.name if person else film.sender,
        verdicts=[each for each in ctx.store.review.verdict_history(film.id) if _is_visible(each, viewer, ctx)],
        hazards=[each for each in ctx.store.hazards.of_film(film.id) if may_see(each, viewer, ctx.now)],
        views=ctx.store.view_log.of_film(film.id),
        earlier_films=ctx.store.submissions.previous_films_of_part(film.part_id, film.night, _EARLIER_NIGHTS)
        if film.part_id
        else [],
        response_times=response_times(ctx.store, [film])[film.id],
        review_reasons=queued.reasons if queued else (),
        sampled=bool(queued and queued.sampled),
        claimed_by=holder.name if holder and holder.id != viewer.person_id else None,
    )


def sender_names(films: Sequence[Submission], store: Store) -> dict[int, str]:
    """Film id -> name of its sender, or the account of an unknown one."""
    people = store.register.people_by_id({film.person_id for film in films if film.person_id is not None})
    return {film.id: people[film.person_id].name if film.person_id in people else film.sender for film in films}
