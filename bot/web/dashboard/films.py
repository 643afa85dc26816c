"""The films of a night, and the page of one film."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess, get_film_or_404, record_view, requested_night
from bot.web.dashboard.film_page import render_film
from bot.web.dashboard.film_view_models import FilmCard, film_cards
from bot.web.parameters import number_argument, parse_seconds, query_with, text_argument
from handlers.enterprise_names import matching_enterprises
from handlers.permissions import Viewer
from handlers.review import watching
from schedules.patrol_night import night_of
from storage.store import Store

_PAGE_SIZE = 60
LIST_FILTERS = ("all", "pending", "problem", "rejected", "fit", "unplaced")


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/films, /films/<night>/<receipt>, and what the page of a film requests."""
    pages = Blueprint("films", __name__)
    _add_list(pages, uow)
    _add_film(pages, uow, film_access)
    _add_watch_time(pages, uow)
    return pages


def _add_list(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/films")
    @requires_permission("films.watch")
    def films(viewer: Viewer) -> str:
        list_filter, enterprise_query = request.args.get("show", "all"), text_argument("enterprise")
        with uow.read() as store:
            ctx = uow.context(store)
            night, tonight = requested_night(ctx), night_of(ctx.now, ctx.rules)
            cards = film_cards(ctx, night, viewer)
            if enterprise_query:
                codes = {each.code for each in matching_enterprises(enterprise_query, store)}
                cards = [card for card in cards if card.enterprise_code in codes]
        shown, offset = [card for card in cards if _matches(card, list_filter)], number_argument("from") or 0
        return render_template(
            "films.html",
            night=night,
            previous_night=night - timedelta(days=1),
            next_night=night + timedelta(days=1) if night < tonight else None,
            counts={each: sum(_matches(card, each) for card in cards) for each in LIST_FILTERS},
            list_filter=list_filter,
            enterprise_query=enterprise_query,
            list_filters=[each for each in LIST_FILTERS if each != "unplaced" or viewer.enterprise_ids is None],
            cards=shown[offset : offset + _PAGE_SIZE],
            offset=offset,
            page_size=_PAGE_SIZE,
            total=len(shown),
            query=query_with,
        )


def _matches(card: FilmCard, list_filter: str) -> bool:
    return {
        "pending": card.in_review_queue and card.verdict is None,
        "problem": card.verdict == "problem",
        "fit": card.verdict == "fit",
        "rejected": card.verdict in ("unclear", "wrong_part"),
        "unplaced": not card.is_attributed,
    }.get(list_filter, True)


def _add_film(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/films/<night:night>/<receipt>")
    @requires_permission("films.watch")
    def film(viewer: Viewer, night: date, receipt: str) -> Response:
        """Opening a film is recorded in the view log before the film is shown."""
        with uow.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        if film.object_key is None:
            abort(404)
        view = record_view(uow, viewer, film, "film")
        is_review = "review" in request.args
        response = make_response(render_film(uow, film_access, viewer, film, view, is_review=is_review))
        response.headers["Content-Security-Policy"] = film_access.page_security_policy(film)
        return response

    @pages.get("/films/<night:night>/<receipt>/link")
    @requires_permission("films.watch")
    def link(viewer: Viewer, night: date, receipt: str) -> Response:
        with uow.read() as store:
            film = get_film_or_404(store, viewer, night, receipt)
        return jsonify(url=film_access.media_url(film, viewer, uow.clock.now()))


def _add_watch_time(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/films/<night:night>/<receipt>/looks/<id:look_id>")
    @requires_permission("films.watch")
    def watched(viewer: Viewer, night: date, receipt: str, look_id: int) -> Response:
        with uow.transaction() as store:
            get_film_or_404(store, viewer, night, receipt)
            record_watch_time(store, uow, viewer, look_id)
        return Response(status=204)


def record_watch_time(store: Store, uow: UnitOfWork, viewer: Viewer, view_id: int) -> None:
    """Store the form fields of the player: `watched` seconds it ran, `covered` seconds of the film it has shown."""
    person = store.register.person(viewer.person_id)
    watched_s, covered_s = (parse_seconds(request.form.get(name, "")) or 0.0 for name in ("watched", "covered"))
    if person is not None:
        watching.record_watch_time(view_id, person, watched_s, covered_s, uow.context(store))
