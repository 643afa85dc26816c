"""The review: the queue, taking the next film in hand, and the verdicts."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.web.dashboard.error_pages import told
from bot.web.dashboard.film_access import Gallery, day, found_film, page_of
from bot.web.dashboard.film_view_models import cards
from bot.web.dashboard.films import note_watching
from handlers.permissions import Viewer
from handlers.review.verdicts import Judged, claim, claim_next, give
from schedules.patrol_night import night_of
from schedules.review.night_review import deadline, night_review
from storage.errors import Refused


def blueprint(memory: Memory, gallery: Gallery) -> Blueprint:
    """/review, and the verdicts on films."""
    pages = Blueprint("review", __name__)

    @pages.get("/review")
    @allowed("review.see")
    def queue(viewer: Viewer) -> str:
        now = memory.clock.now()
        with memory.reading() as store:
            book = memory.book(store)
            night = day(request.args["night"]) if request.args.get("night") else night_of(now, book)
            review, until = night_review(store, night, book, now), deadline(night, book)
            waiting = [each for each in cards(store, night, book, now, viewer) if each.queued and each.word is None]
            counts = store.review.counts_of(night)
        return render_template(
            "review.html", night=night, review=review, waiting=waiting, until=until, late=now > until, counts=counts,
            done="done" in request.args,
        )  # fmt: skip

    @pages.post("/review/next")
    @allowed("review.judge")
    def next_film(viewer: Viewer) -> Response:
        return redirect(_next(memory, viewer))

    _add_claim(pages, memory)
    _add_verdict(pages, memory)
    return pages


def _next(memory: Memory, viewer: Viewer) -> str:
    """The page of the next film, which is in hand from now on; the queue when there is none."""
    with memory.transaction() as store:
        person = store.register.person(viewer.person_id)
        assert person is not None
        reel = claim_next(person, store, memory.book(store), memory.clock.now())
        return f"{page_of(reel.film)}?review=1" if reel else "/review?done=1"


def _add_claim(pages: Blueprint, memory: Memory) -> None:
    @pages.post("/films/<night>/<receipt>/claim")
    @allowed("review.judge")
    def take(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.transaction() as store:
            film, person = found_film(store, viewer, night, receipt), store.register.person(viewer.person_id)
            assert person is not None
            mine = claim(film.id, person, store, memory.book(store), memory.clock.now())
        return redirect(f"{page_of(film)}?review=1") if mine else told(409, "review.in_other_hands")


def _add_verdict(pages: Blueprint, memory: Memory) -> None:
    @pages.post("/films/<night>/<receipt>/verdict")
    @allowed("review.judge")
    def verdict(viewer: Viewer, night: str, receipt: str) -> Response:
        form = request.form
        try:
            with memory.transaction() as store:
                film, person = found_film(store, viewer, night, receipt), store.register.person(viewer.person_id)
                assert person is not None
                note_watching(store, memory, viewer, form.get("look", 0, int))
                judged = Judged(
                    film.id,
                    form.get("word", ""),
                    person,
                    "page",
                    form.get("reason", ""),
                    _instant(form.get("at_s", "")),
                )
                give(judged, store, memory.book(store), memory.clock.now())
        except Refused as refused:
            return told(409, refused.key)
        return redirect(_next(memory, viewer) if form.get("reviewing") else page_of(film))


def _instant(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
