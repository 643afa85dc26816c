"""The films of a night, and the page of one film with all that is known of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.web.dashboard.film_access import Gallery, day, found_film, note_look, page_of
from bot.web.dashboard.film_view_models import Card, cards, details
from handlers import rectification
from handlers.permissions import Viewer
from handlers.review import verdicts
from schedules.patrol_night import night_of
from storage.store import Store

# What the list can be narrowed to.
SHOWN = ("all", "pending", "problem", "rejected", "fit", "unplaced")


def blueprint(memory: Memory, gallery: Gallery) -> Blueprint:
    """/films, /films/<night>/<receipt> and what its page asks for."""
    pages = Blueprint("films", __name__)

    @pages.get("/films")
    @allowed("films.watch")
    def films(viewer: Viewer) -> str:
        now = memory.clock.now()
        with memory.reading() as store:
            book = memory.book(store)
            night = day(request.args["night"]) if request.args.get("night") else night_of(now, book)
            found = cards(store, night, book, now, viewer)
        show, wanted = request.args.get("show", "all"), request.args.get("enterprise", "").strip()
        return render_template(
            "films.html", night=night, before=night - timedelta(days=1), after=_after(night, now, memory),
            counts=_counts(found), show=show, wanted=wanted, choices=[each for each in SHOWN if _offered(each, viewer)],
            cards=[each for each in found if _fits(each, show, wanted)],
        )  # fmt: skip

    _add_film(pages, memory, gallery)
    _add_beacon(pages, memory)
    _add_answer(pages, memory)
    return pages


def _after(night: date, now: Any, memory: Memory) -> date | None:
    with memory.reading() as store:
        last = night_of(now, memory.book(store))
    return night + timedelta(days=1) if night < last else None


def _offered(show: str, viewer: Viewer) -> bool:
    return show != "unplaced" or viewer.enterprises is None


def _counts(found: list[Card]) -> dict[str, int]:
    return {show: sum(_fits(each, show, "") for each in found) for show in SHOWN}


def _fits(card: Card, show: str, wanted: str) -> bool:
    states = {
        "pending": card.queued and card.word is None, "problem": card.word == "problem", "fit": card.word == "fit",
        "rejected": card.word in ("unclear", "wrong_part"), "unplaced": not card.placed,
    }  # fmt: skip
    return states.get(show, True) and (wanted in card.enterprise or wanted == card.code)


def _add_film(pages: Blueprint, memory: Memory, gallery: Gallery) -> None:
    @pages.get("/films/<night>/<receipt>")
    @allowed("films.watch")
    def film(viewer: Viewer, night: str, receipt: str) -> Response:
        """Opening a film is a look, and stands on record before it is shown."""
        now = memory.clock.now()
        with memory.reading() as store:
            found = found_film(store, viewer, night, receipt)
        if found.object_key is None:
            abort(404)
        look = note_look(memory, viewer, found, "film")
        with memory.reading() as store:
            shown = details(store, found, memory.book(store), now, viewer)
        links = {each.id: gallery.link(each, viewer, now) for each in (found, *shown.before)}
        reviewing = "review" in request.args
        answer = make_response(
            render_template("film.html", film=found, look=look, links=links, reviewing=reviewing, d=shown)
        )
        answer.headers["Content-Security-Policy"] = gallery.policy_for(found)
        return answer

    @pages.get("/films/<night>/<receipt>/link")
    @allowed("films.watch")
    def link(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.reading() as store:
            found = found_film(store, viewer, night, receipt)
        return jsonify(url=gallery.link(found, viewer, memory.clock.now()))


def _add_beacon(pages: Blueprint, memory: Memory) -> None:
    @pages.post("/films/<night>/<receipt>/looks/<int:look_id>")
    @allowed("films.watch")
    def watched(viewer: Viewer, night: str, receipt: str, look_id: int) -> Response:
        with memory.transaction() as store:
            found_film(store, viewer, night, receipt)
            note_watching(store, memory, viewer, look_id)
        return Response(status=204)


def note_watching(store: Store, memory: Memory, viewer: Viewer, look_id: int) -> None:
    """What a player says of itself: how long it ran, and how much of the film has passed."""
    person = store.register.person(viewer.person_id)
    ran, passed = (_seconds(request.form.get(name, "")) for name in ("watched", "covered"))
    if person is not None:
        verdicts.watched(look_id, person, ran, passed, store, memory.book(store), memory.clock.now())


def _seconds(text: str) -> float:
    """A number of seconds out of a form; nothing sensible is none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 <= found < 1e6 else 0.0


def _add_answer(pages: Blueprint, memory: Memory) -> None:
    @pages.post("/films/<night>/<receipt>/answer")
    @allowed("review.answer")
    def answer(viewer: Viewer, night: str, receipt: str) -> Response | AnyResponse:
        words = request.form.get("words", "").strip()
        with memory.transaction() as store:
            found, person = found_film(store, viewer, night, receipt), store.register.person(viewer.person_id)
            if words and person is not None:
                rectification.answer_on_page(found, person, words, store, memory.book(store), memory.clock.now())
        return redirect(page_of(found))
