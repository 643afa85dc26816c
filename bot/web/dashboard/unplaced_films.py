"""Films from strangers or without a part: listed with their likely parts, and filed or dismissed."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.texts import fill, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.error_pages import error_page
from bot.web.dashboard.film_access import film_page_url
from bot.web.dashboard.film_view_models import sender_names
from bot.web.dashboard.office_tasks import Outcome, TaskPage
from bot.web.parameters import parse_number
from handlers import unplaced_films
from handlers.enterprise_names import matching_enterprises
from handlers.permissions import Viewer
from handlers.unplaced_films import HandledFilms, group_films, part_choices
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.db.models import Submission
from storage.submissions import DISMISSED

# The value of a button that acts on the films whose boxes are checked begins with this.
_SELECTED = "selected"


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/tonight/waiting, /office/films and the parts of another enterprise."""
    pages = Blueprint("unplaced_films", __name__)

    @pages.get("/tonight/waiting")
    @requires_permission("office_tasks.see")
    def waiting(viewer: Viewer) -> str:
        return _render_waiting(uow, Outcome())

    @pages.get("/office/films/choices")
    @requires_permission("films.attach")
    def choices(viewer: Viewer) -> str:
        return _render_choices(uow)

    _add_buttons(pages, uow)
    return pages


def _add_buttons(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.post("/office/films")
    @requires_permission("films.attach")
    def handle_films(viewer: Viewer) -> Response | AnyResponse | tuple[str, int]:
        """Carry out the button that was pressed, and show the page on which it stands again."""
        with uow.transaction() as store:
            done_key, handled, params = _handle(uow.context(store), viewer)
            film = next(iter(store.submissions.by_ids(_film_ids())), None)
        if request.form.get("page") == "film" and film is not None:
            return _back_to_film(film, handled)
        done = say(done_key, receipts=handled.receipts, **params) if handled.receipts else ""
        outcome = Outcome(confirmation=done, refusals=[str(fill(each)) for each in handled.refusals])
        status = 200 if handled.receipts else 422
        if request.form.get("page") == "waiting":
            return _render_waiting(uow, outcome), status
        return TaskPage(uow).render(viewer, outcome), status


def _handle(ctx: Context, viewer: Viewer) -> tuple[str, HandledFilms, dict[str, str]]:
    """The text of what was done, the films, and the further parameters of the text."""
    film_ids = _film_ids()
    if not film_ids:
        return "", HandledFilms(refusals=[{"say": "unplaced.none_selected"}]), {}
    if "dismiss" in request.form:
        return "unplaced.dismissed", unplaced_films.dismiss_films(film_ids, ctx, viewer.name), {}
    part = ctx.store.register.part(parse_number(request.form.get("file", "").partition(":")[2]) or 0)
    if part is None or not part.in_use:
        return "", HandledFilms(refusals=[{"say": "unplaced.no_such_part"}]), {}
    enterprise = ctx.store.register.enterprise(part.enterprise_id)
    assert enterprise is not None
    moved_from = parse_number(request.form.get("moved_from", ""))
    handled = unplaced_films.attach_films(film_ids, part, ctx, viewer.name, moved_from)
    return "unplaced.attached", handled, {"enterprise": enterprise.short_name, "part": part.label}


def _film_ids() -> list[int]:
    """The film of the button that was pressed, or the films whose boxes are checked."""
    target = (request.form.get("file") or request.form.get("dismiss", "")).partition(":")[0]
    values = request.form.getlist("film") if target.startswith(_SELECTED) else [target]
    return [number for number in map(parse_number, values) if number is not None]


def _back_to_film(film: Submission, handled: HandledFilms) -> Response | AnyResponse:
    if not handled.refusals:
        return redirect(film_page_url(film))
    text_key = handled.refusals[0]["say"]
    return error_page(
        409, text_key, **{name: fill(each) for name, each in handled.refusals[0].items() if name != "say"}
    )


def _render_waiting(uow: UnitOfWork, outcome: Outcome) -> str:
    """Tonight's films that are attributed to no part; what is no filed film, or was dismissed, cannot be filed."""
    with uow.read() as store:
        ctx = uow.context(store)
        night = night_of(ctx.now, ctx.rules)
        films = [film for film in store.submissions.of_night(night) if film.attribution != "attributed"]
        filable = [film for film in films if film.state == "filed" and DISMISSED not in film.marks]
        return render_template(
            "unplaced_films.html",
            films=films,
            groups={
                name: group_films([film for film in filable if film.attribution == name], ctx)
                for name in ("unattributed", "quarantined")
            },
            others=[film for film in films if film not in filable],
            sender_names=sender_names(films, store),
            outcome=outcome,
        )


def _render_choices(uow: UnitOfWork) -> str:
    """The buttons for the parts of the enterprise that was typed, or for the enterprises that it may mean."""
    target, name = request.args.get("target", ""), request.args.get("enterprise", "").strip()
    with uow.read() as store:
        film = store.submissions.get(parse_number(target) or 0)
        if film is None and not target.startswith(_SELECTED):
            abort(404)
        matching = matching_enterprises(name, store)
        return render_template(
            "filing_choices.html",
            target=target,
            page=request.args.get("page", ""),
            moved_from=parse_number(request.args.get("moved_from", "")) or "",
            film=film,
            name=name,
            matching=matching,
            choices=part_choices(matching[0].id, [film.night] if film else [], store) if len(matching) == 1 else None,
        )
