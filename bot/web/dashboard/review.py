"""The review queue, claiming the next film, and verdicts."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import FilmAccess, film_page_url, get_film_or_404, requested_night
from bot.web.dashboard.film_view_models import film_cards
from bot.web.dashboard.films import record_watch_time
from bot.web.parameters import parse_number, parse_seconds
from handlers.permissions import Viewer
from handlers.review.claims import claim, claim_next
from handlers.review.verdicts import VerdictDraft, record_verdict
from schedules.review.night_review import night_review, review_deadline
from storage.errors import OperationRefused


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/review, and the verdicts on films."""
    pages = Blueprint("review", __name__)

    @pages.get("/review")
    @requires_permission("review.see")
    def queue(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            night = requested_night(ctx)
            review, deadline = night_review(ctx, night), review_deadline(night, ctx.rules)
            cards = film_cards(ctx, night, viewer)
            counts = store.review.verdict_counts(night)
        return render_template(
            "review.html",
            night=night,
            review=review,
            queue_cards=[each for each in cards if each.in_review_queue and each.verdict is None],
            deadline=deadline,
            is_overdue=ctx.now > deadline,
            counts=counts,
            queue_is_empty="done" in request.args,
        )

    @pages.post("/review/next")
    @requires_permission("review.judge")
    def next_film(viewer: Viewer) -> Response:
        return redirect(_claim_next(uow, viewer))

    _add_claim(pages, uow)
    _add_verdict(pages, uow)
    return pages


def _claim_next(uow: UnitOfWork, viewer: Viewer) -> str:
    """Claim the next film and return the URL of its page, or that of the queue when it is empty."""
    with uow.transaction() as store:
        person = store.register.person(viewer.person_id)
        assert person is not None
        claimed = claim_next(person, uow.context(store))
        return f"{film_page_url(claimed.film)}?review=1" if claimed else "/review?done=1"


def _add_claim(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/films/<night:night>/<receipt>/claim")
    @requires_permission("review.judge")
    def claim_film(viewer: Viewer, night: date, receipt: str) -> Response:
        with uow.transaction() as store:
            film, person = get_film_or_404(store, viewer, night, receipt), store.register.person(viewer.person_id)
            assert person is not None
            is_claimed = claim(film.id, person, uow.context(store))
        return redirect(f"{film_page_url(film)}?review=1") if is_claimed else error_page(409, "review.claimed_by_other")


def _add_verdict(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/films/<night:night>/<receipt>/verdict")
    @requires_permission("review.judge")
    def verdict(viewer: Viewer, night: date, receipt: str) -> Response:
        form = request.form
        try:
            with uow.transaction() as store:
                film, person = get_film_or_404(store, viewer, night, receipt), store.register.person(viewer.person_id)
                assert person is not None
                record_watch_time(store, uow, viewer, parse_number(form.get("look", "")) or 0)
                position_s = parse_seconds(form.get("at_s", ""))
                draft = VerdictDraft(film.id, form.get("word", ""), person, "page", form.get("reason", ""), position_s)
                record_verdict(draft, uow.context(store))
        except OperationRefused as refused:
            return error_page(409, refused.text_key)
        return redirect(_claim_next(uow, viewer) if form.get("reviewing") else film_page_url(film))
