"""The review queue, claiming the next film, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import FilmAccess, add_view, film_page_url, get_film_or_404, requested_night
from bot.web.dashboard.film_page import render_film
from bot.web.dashboard.film_view_models import film_cards
from bot.web.dashboard.films import record_watch_time
from bot.web.dashboard.verdict_toast import UndoableVerdicts, undoable_verdicts
from bot.web.parameters import parse_number, parse_seconds
from handlers.permissions import Viewer
from handlers.review.claims import claim, claim_next, prefetch_next
from handlers.review.verdicts import VerdictDraft, record_verdict, undo_verdict
from schedules.review.night_review import night_review, review_deadline
from storage.db.models import Person
from storage.errors import OperationRefused
from storage.store import Store

_PAGE_SIZE = 24
_QUEUE_EMPTY_URL = "/review?done=1"


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
            undoable, counts = undoable_verdicts(viewer.person_id, ctx), store.review.verdict_counts(night)
        return render_template(
            "review.html",
            night=night,
            review=review,
            queue_cards=[each for each in cards if each.in_review_queue and each.verdict is None][:_PAGE_SIZE],
            deadline=deadline,
            is_overdue=ctx.now > deadline,
            counts=counts,
            queue_is_empty="done" in request.args,
            undoable=undoable,
            plain_count=sum(film_id not in review.verdicts for film_id in review.plain),
        )

    _add_claims(pages, uow, film_access)
    _add_verdict(pages, uow)
    _add_undo(pages, uow)
    return pages


def _reviewer(store: Store, viewer: Viewer) -> Person:
    person = store.register.person(viewer.person_id)
    assert person is not None
    return person


def _add_claims(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.post("/review/next")
    @requires_permission("review.judge")
    def next_film(viewer: Viewer) -> AnyResponse:
        with uow.transaction() as store:
            claimed = claim_next(_reviewer(store, viewer), uow.context(store))
        return redirect(f"{film_page_url(claimed.film)}?review=1" if claimed else _QUEUE_EMPTY_URL)

    @pages.post("/films/<night:night>/<receipt>/claim")
    @requires_permission("review.judge")
    def claim_film(viewer: Viewer, night: date, receipt: str) -> AnyResponse:
        with uow.transaction() as store:
            film = get_film_or_404(store, viewer, night, receipt)
            is_claimed = claim(film.id, _reviewer(store, viewer), uow.context(store))
        return redirect(f"{film_page_url(film)}?review=1") if is_claimed else error_page(409, "review.claimed_by_other")

    @pages.post("/films/<night:night>/<receipt>/next")
    @requires_permission("review.judge")
    def prefetch(viewer: Viewer, night: date, receipt: str) -> Response:
        """The film after this one, for the browser to show after the verdict; 204 when there is none."""
        with uow.transaction() as store:
            film = get_film_or_404(store, viewer, night, receipt)
            following = prefetch_next(_reviewer(store, viewer), film.id, uow.context(store))
        if following is None or following.film.object_key is None:
            return Response(status=204)
        return Response(render_film(uow, film_access, viewer, following.film, None, is_review=True, after=film))


@dataclass(frozen=True)
class _Next:
    """Where a reviewer goes on after a verdict; `view_id` is the view of a film that the browser has prefetched."""

    url: str
    view_id: int | None = None


def _add_verdict(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/films/<night:night>/<receipt>/verdict")
    @requires_permission("review.judge")
    def verdict(viewer: Viewer, night: date, receipt: str) -> AnyResponse:
        """A form gets the next page, a script its URL and the toast as JSON."""
        by_script = request.accept_mimetypes.best == "application/json"
        try:
            with uow.transaction() as store:
                following, undoable = _judge(store, uow, viewer, night, receipt)
        except OperationRefused as refused:
            if by_script:
                return Response(status=409, response=say(refused.text_key), mimetype="text/plain")
            return error_page(409, refused.text_key)
        if not by_script:
            return redirect(following.url)
        toast = render_template("verdict_toast.html", undoable=undoable)
        return jsonify(url=following.url, view=following.view_id, toast=toast)


def _judge(
    store: Store, uow: UnitOfWork, viewer: Viewer, night: date, receipt: str
) -> tuple[_Next, UndoableVerdicts | None]:
    """Record the verdict of the form. Raises OperationRefused."""
    form, ctx = request.form, uow.context(store)
    film, person = get_film_or_404(store, viewer, night, receipt), _reviewer(store, viewer)
    record_watch_time(store, uow, viewer, parse_number(form.get("look", "")) or 0)
    reason = "、".join(filter(None, (each.strip() for each in [*form.getlist("chip"), form.get("reason", "")])))
    position_s = parse_seconds(form.get("at_s", ""))
    record_verdict(VerdictDraft(film.id, form.get("word", ""), person, "page", reason, position_s), ctx)
    undoable = undoable_verdicts(viewer.person_id, ctx)
    if not form.get("reviewing"):
        return _Next(film_page_url(film)), undoable
    claimed = claim_next(person, ctx)
    if claimed is None:
        return _Next(_QUEUE_EMPTY_URL), undoable
    url = film_page_url(claimed.film)
    is_prefetched = form.get("prefetched") == url
    view = add_view(store, viewer, claimed.film, "film", ctx.now) if is_prefetched else None
    return _Next(f"{url}?review=1", view.id if view else None), undoable


def _add_undo(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/review/undo")
    @requires_permission("review.judge")
    def undo(viewer: Viewer) -> AnyResponse:
        """Undo the verdicts that the toast names, all or none."""
        verdict_ids = [parse_number(each) or 0 for each in request.form.getlist("verdict")]
        try:
            with uow.transaction() as store:
                person, ctx = _reviewer(store, viewer), uow.context(store)
                films = [undo_verdict(verdict_id, person, ctx) for verdict_id in verdict_ids]
        except OperationRefused as refused:
            return error_page(409, refused.text_key)
        return redirect(f"{film_page_url(films[0])}?review=1" if len(films) == 1 else "/review/sheets")
