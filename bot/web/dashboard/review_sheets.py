"""The contact sheets of plain films, to pass many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.media.film_images import FilmImagesBusy
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import FilmAccess, requested_night
from bot.web.dashboard.verdict_toast import undoable_verdicts
from bot.web.parameters import parse_number, parse_seconds
from handlers.permissions import Viewer
from handlers.review.sheets import SHEET_SECONDS, SHEETS_PER_PAGE, SheetsPage, pass_sheets, plain_films
from schedules.review.night_review import ReviewableFilm
from storage.errors import OperationRefused
from storage.film import PictureError
from storage.objects import ObjectError

# Sheets that the reviewer did not pass are not offered again at once; so many fit into a URL.
_MAX_SKIPPED = 60


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/review/sheets."""
    pages = Blueprint("review_sheets", __name__)

    @pages.get("/review/sheets")
    @requires_permission("review.judge")
    def sheets(viewer: Viewer) -> str:
        skipped = request.args.get("skip", "").split(",")
        with uow.read() as store:
            ctx, person = uow.context(store), store.register.person(viewer.person_id)
            assert person is not None
            night = requested_night(ctx)
            plain = [each for each in plain_films(person, night, ctx) if each.film.receipt not in skipped]
            undoable = undoable_verdicts(viewer.person_id, ctx)
        shown = plain[:SHEETS_PER_PAGE]
        _draw_ahead(film_access, plain[: 2 * SHEETS_PER_PAGE])
        film_ids = [each.film.id for each in shown]
        return render_template(
            "review_sheets.html",
            night=night,
            shown=shown,
            remaining=len(plain) - len(shown),
            token=film_access.links.sheets_token(viewer.person_id, night.isoformat(), film_ids, ctx.now),
            seconds=SHEET_SECONDS,
            skipped=",".join(skipped),
            undoable=undoable,
        )

    _add_pass(pages, uow, film_access)
    return pages


def _draw_ahead(film_access: FilmAccess, films: Sequence[ReviewableFilm]) -> None:
    """Ask for the sheets of this page and of the one after it; a page without a sheet asks again by itself."""
    for each in films:
        try:
            film_access.image_queue.find_image(each.film.object_key or "", "contact_sheet")
        except (FilmImagesBusy, PictureError, ObjectError):
            continue


def _add_pass(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.post("/review/sheets")
    @requires_permission("review.judge")
    def pass_films(viewer: Viewer) -> Response:
        """Pass what was looked at and is still ticked; the next page leaves out the rest."""
        form = request.form
        try:
            night, film_ids, opened_at = film_access.links.read_sheets_token(form.get("page", ""), viewer.person_id)
            seconds = {each: parse_seconds(form.get(f"seconds-{each}", "")) or 0.0 for each in film_ids}
            ticked = {parse_number(each) or 0 for each in form.getlist("pass")}
            page = SheetsPage(date.fromisoformat(night), opened_at, seconds, ticked)
            with uow.transaction() as store:
                person = store.register.person(viewer.person_id)
                assert person is not None
                pass_sheets(page, person, uow.context(store))
                left = store.submissions.by_ids(
                    each for each in film_ids if seconds[each] >= SHEET_SECONDS and each not in ticked
                )
                receipts = [film.receipt for film in left]
        except OperationRefused as refused:
            return error_page(409, refused.text_key)
        skipped = [each for each in [*form.get("skip", "").split(","), *receipts] if each][-_MAX_SKIPPED:]
        return redirect(f"/review/sheets?night={night}&skip={','.join(skipped)}")
