"""Tonight's board for phones, desktops and the wall display, and one enterprise's night."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.board_cache import MAX_AGE_S, BoardCache
from bot.web.dashboard.film_view_models import sender_names
from bot.web.dashboard.own_enterprise import OWN_PAGE
from handlers.permissions import Viewer
from schedules.night_judgement import judge_night
from schedules.patrol_night import night_of, submission_window


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/, /tonight/board and /tonight/<code>."""
    pages = Blueprint("tonight", __name__)
    _add_board(pages, BoardCache(uow))
    _add_details(pages, uow)
    return pages


def _add_board(pages: Blueprint, boards: BoardCache) -> None:
    @pages.get("/")
    @requires_permission("tonight.see")
    def tonight(viewer: Viewer) -> str | AnyResponse:
        if viewer.enterprise_ids is not None:
            return redirect(OWN_PAGE)
        board_filter = board.parse_filter(request.args)
        rendered = boards.render(viewer, board_filter)
        return render_template("tonight.html", rendered=rendered, board_filter=board_filter, board=board)

    @pages.get("/tonight/board")
    @requires_permission("tonight.see")
    def poll(viewer: Viewer) -> Response:
        """A board polls every few seconds; the answer is 204 while the version it shows is the latest.

        A request without a version comes from the filter or the end of the list: then the URL of the page follows.
        """
        board_filter, seen = board.parse_filter(request.args), request.args.get("version", "")
        rendered = boards.render(viewer, board_filter, MAX_AGE_S, seen)
        if rendered is None:
            return Response(status=204)
        headers = {} if seen else {"HX-Replace-Url": f"/{board_filter.query_string()}"}
        return Response(rendered.enterprises + rendered.summary, headers=headers)


def _add_details(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/tonight/<code>")
    @requires_permission("enterprise.see")
    def enterprise(viewer: Viewer, code: str) -> str:
        with uow.read() as store:
            enterprise = store.register.enterprise_by_code(code)
            if enterprise is None or not viewer.can_see(enterprise.id):
                abort(404)
            ctx = uow.context(store)
            night = night_of(ctx.now, ctx.rules)
            films = store.submissions.of_enterprise(enterprise.id, night)
            return render_template(
                "enterprise_tonight.html",
                enterprise=enterprise,
                night=night,
                window=submission_window(night, ctx.rules),
                films=films,
                judgement=next(iter(judge_night(ctx, night, enterprise.id).enterprises), None),
                now=ctx.now,
                people=store.register.employees([enterprise.id]).get(enterprise.id, []),
                sender_names=sender_names(films, store),
                board=board,
            )
