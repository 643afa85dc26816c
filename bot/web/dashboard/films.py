"""The films of a night, and the page of one film with all that is known of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess, film_page_url, get_film_or_404, parse_date_or_404, record_view
from bot.web.dashboard.film_view_models import FilmCard, film_cards, film_details
from handlers import rectification
from handlers.permissions import Viewer
from handlers.review import verdicts
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.store import Store

# What the list can be narrowed to.
LIST_FILTERS = ("all", "pending", "problem", "rejected", "fit", "unplaced")


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/films, /films/<night>/<receipt> and what its page asks for."""
    pages = Blueprint("films", __name__)

    @pages.get("/films")
    @requires_permission("films.watch")
    def films(viewer: Viewer) -> str:
        now = uow.clock.now()
        with uow.read() as store:
            book = uow.rules(store)
            night = parse_date_or_404(request.args["night"]) if request.args.get("night") else night_of(now, book)
            found = film_cards(Context(store, book, now), night, viewer)
        show, wanted = request.args.get("show", "all"), request.args.get("enterprise", "").strip()
        return render_template(
            "films.html",
            night=night,
            previous_night=night - timedelta(days=1),
            next_night=_after(night, now, uow),
            counts=_counts(found),
            list_filter=show,
            enterprise_query=wanted,
            list_filters=[each for each in LIST_FILTERS if _offered(each, viewer)],
            cards=[each for each in found if _fits(each, show, wanted)],
        )

    _add_film(pages, uow, film_access)
    _add_beacon(pages, uow)
    _add_answer(pages, uow)
    return pages


def _after(night: date, now: Any, memory: UnitOfWork) -> date | None:
    with memory.read() as store:
        last = night_of(now, memory.rules(store))
    return night + timedelta(days=1) if night < last else None


def _offered(show: str, viewer: Viewer) -> bool:
    return show != "unplaced" or viewer.enterprise_ids is None


def _counts(found: list[FilmCard]) -> dict[str, int]:
    return {show: sum(_fits(each, show, "") for each in found) for show in LIST_FILTERS}


def _fits(card: FilmCard, show: str, wanted: str) -> bool:
    states = {
        "pending": card.in_review_queue and card.verdict is None,
        "problem": card.verdict == "problem",
        "fit": card.verdict == "fit",
        "rejected": card.verdict in ("unclear", "wrong_part"),
        "unplaced": not card.is_attributed,
    }
    return states.get(show, True) and (wanted in card.enterprise_name or wanted == card.enterprise_code)


def _add_film(pages: Blueprint, memory: UnitOfWork, gallery: FilmAccess) -> None:
    @pages.get("/films/<night>/<receipt>")
    @requires_permission("films.watch")
    def film(viewer: Viewer, night: str, receipt: str) -> Response:
        """Opening a film is a look, and stands on record before it is shown."""
        now = memory.clock.now()
        with memory.read() as store:
            found = get_film_or_404(store, viewer, night, receipt)
        if found.object_key is None:
            abort(404)
        look = record_view(memory, viewer, found, "film")
        with memory.read() as store:
            shown = film_details(Context(store, memory.rules(store), now), found, viewer)
        links = {each.id: gallery.media_url(each, viewer, now) for each in (found, *shown.earlier_films)}
        reviewing = "review" in request.args
        answer = make_response(
            render_template("film.html", film=found, view=look, media_urls=links, from_queue=reviewing, details=shown)
        )
        answer.headers["Content-Security-Policy"] = gallery.page_security_policy(found)
        return answer

    @pages.get("/films/<night>/<receipt>/link")
    @requires_permission("films.watch")
    def link(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.read() as store:
            found = get_film_or_404(store, viewer, night, receipt)
        return jsonify(url=gallery.media_url(found, viewer, memory.clock.now()))


def _add_beacon(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.post("/films/<night>/<receipt>/looks/<int:look_id>")
    @requires_permission("films.watch")
    def watched(viewer: Viewer, night: str, receipt: str, look_id: int) -> Response:
        with memory.transaction() as store:
            get_film_or_404(store, viewer, night, receipt)
            record_watch_time(store, memory, viewer, look_id)
        return Response(status=204)


def record_watch_time(store: Store, uow: UnitOfWork, viewer: Viewer, view_id: int) -> None:
    """What a player says of itself: how long it ran, and how much of the film has passed."""
    person = store.register.person(viewer.person_id)
    ran, passed = (_seconds(request.form.get(name, "")) for name in ("watched", "covered"))
    if person is not None:
        verdicts.record_watch_time(view_id, person, ran, passed, uow.context(store))


def _seconds(text: str) -> float:
    """A number of seconds out of a form; nothing sensible is none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 <= found < 1e6 else 0.0


def _add_answer(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.post("/films/<night>/<receipt>/answer")
    @requires_permission("review.answer")
    def answer(viewer: Viewer, night: str, receipt: str) -> Response | AnyResponse:
        words = request.form.get("words", "").strip()
        with memory.transaction() as store:
            found, person = get_film_or_404(store, viewer, night, receipt), store.register.person(viewer.person_id)
            if words and person is not None:
                rectification.record_page_answer(found, person, words, memory.context(store))
        return redirect(film_page_url(found))
