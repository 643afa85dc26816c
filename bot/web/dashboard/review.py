"""The review: the queue, taking the next film in hand, and the verdicts."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import FilmAccess, film_page_url, get_film_or_404, parse_date_or_404
from bot.web.dashboard.film_view_models import film_cards
from bot.web.dashboard.films import record_watch_time
from handlers.permissions import Viewer
from handlers.review.verdicts import VerdictDraft, claim, claim_next, record_verdict
from schedules.context import Context
from schedules.patrol_night import night_of
from schedules.review.night_review import night_review, review_deadline
from storage.errors import OperationRefused


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/review, and the verdicts on films."""
    pages = Blueprint("review", __name__)

    @pages.get("/review")
    @requires_permission("review.see")
    def queue(viewer: Viewer) -> str:
        now = uow.clock.now()
        with uow.read() as store:
            book = uow.rules(store)
            night = parse_date_or_404(request.args["night"]) if request.args.get("night") else night_of(now, book)
            review, until = night_review(Context(store, book, now), night), review_deadline(night, book)
            waiting = [
                each
                for each in film_cards(Context(store, book, now), night, viewer)
                if each.in_review_queue and each.verdict is None
            ]
            counts = store.review.verdict_counts(night)
        return render_template(
            "review.html",
            night=night,
            review=review,
            queue_cards=waiting,
            deadline=until,
            is_overdue=now > until,
            counts=counts,
            queue_is_empty="done" in request.args,
        )

    @pages.post("/review/next")
    @requires_permission("review.judge")
    def next_film(viewer: Viewer) -> Response:
        return redirect(_next(uow, viewer))

    _add_claim(pages, uow)
    _add_verdict(pages, uow)
    return pages


def _next(memory: UnitOfWork, viewer: Viewer) -> str:
    """The page of the next film, which is in hand from now on; the queue when there is none."""
    with memory.transaction() as store:
        person = store.register.person(viewer.person_id)
        assert person is not None
        reel = claim_next(person, memory.context(store))
        return f"{film_page_url(reel.film)}?review=1" if reel else "/review?done=1"


def _add_claim(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.post("/films/<night>/<receipt>/claim")
    @requires_permission("review.judge")
    def take(viewer: Viewer, night: str, receipt: str) -> Response:
        with memory.transaction() as store:
            film, person = get_film_or_404(store, viewer, night, receipt), store.register.person(viewer.person_id)
            assert person is not None
            mine = claim(film.id, person, memory.context(store))
        return redirect(f"{film_page_url(film)}?review=1") if mine else error_page(409, "review.claimed_by_other")


def _add_verdict(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.post("/films/<night>/<receipt>/verdict")
    @requires_permission("review.judge")
    def verdict(viewer: Viewer, night: str, receipt: str) -> Response:
        form = request.form
        try:
            with memory.transaction() as store:
                film, person = get_film_or_404(store, viewer, night, receipt), store.register.person(viewer.person_id)
                assert person is not None
                record_watch_time(store, memory, viewer, form.get("look", 0, int))
                judged = VerdictDraft(
                    film.id,
                    form.get("word", ""),
                    person,
                    "page",
                    form.get("reason", ""),
                    _instant(form.get("at_s", "")),
                )
                record_verdict(judged, memory.context(store))
        except OperationRefused as refused:
            return error_page(409, refused.text_key)
        return redirect(_next(memory, viewer) if form.get("reviewing") else film_page_url(film))


def _instant(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
