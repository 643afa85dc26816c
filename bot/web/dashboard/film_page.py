"""The page of one film, also as the part of it that a reviewer's browser fetches ahead."""

from __future__ import annotations

from flask import render_template

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.film_view_models import film_details
from bot.web.dashboard.verdict_toast import undoable_verdicts
from handlers.permissions import Viewer
from storage.db.models import FilmView, Submission


def render_film(
    uow: UnitOfWork,
    film_access: FilmAccess,
    viewer: Viewer,
    film: Submission,
    view: FilmView | None,
    *,
    is_review: bool,
    after: Submission | None = None,
) -> str:
    """The whole page, or without a `view` the part that is fetched ahead and not seen yet.

    `after` is the film that the reviewer judges before this one; None for the one judged last.
    """
    with uow.read() as store:
        ctx = uow.context(store)
        details = film_details(ctx, film, viewer)
        last = after or store.review.last_judged_film(viewer.person_id, film.id) if is_review else None
        undoable = undoable_verdicts(viewer.person_id, ctx)
    return render_template(
        "film.html" if view is not None else "film_view.html",
        film=film,
        view=view,
        media_urls={each.id: film_access.media_url(each, viewer, ctx.now) for each in (film, *details.earlier_films)},
        is_review=is_review,
        details=details,
        last_film=last,
        undoable=undoable,
    )
