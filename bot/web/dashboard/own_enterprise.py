"""The page on which the people of an enterprise land: what to put right, tonight, the last nights, the month."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_view_models import sender_names, visible_verdicts
from bot.web.dashboard.hazards import hazard_rows
from bot.web.parameters import parse_night, text_argument
from bot.workbooks.reports.enterprise_month import enterprise_month_workbook
from handlers.hazards.access import visible_hazards
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.night_judgement import judge_night
from schedules.patrol_night import ONE_DAY, shift_day_of_night, submission_window
from schedules.reports.enterprise_month import enterprise_month
from schedules.reports.history import history
from schedules.review.night_review import night_review
from storage.db.models import Enterprise
from storage.hazard_terms import INCOMPLETE, RECTIFYING

OWN_PAGE = "/own/"
_NIGHTS = 30
# All of them stand in the ledger.
_MOST_HAZARDS = 50
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/own/ and /own/month.xlsx."""
    pages = Blueprint("own_enterprise", __name__)
    _add_page(pages, uow)
    _add_month_sheet(pages, uow)
    return pages


def _add_page(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get(OWN_PAGE)
    @requires_permission("enterprise.see")
    def show(viewer: Viewer) -> str | AnyResponse:
        if viewer.enterprise_ids is None:
            return redirect("/")
        with uow.read() as store:
            ctx, enterprises = uow.context(store), store.register.enterprises_of(viewer.person_id)
            if not enterprises:
                return render_template("own_enterprise.html", enterprise=None, enterprises=[])
            enterprise = _chosen(enterprises)
            return render_template(
                "own_enterprise.html",
                enterprise=enterprise,
                enterprises=enterprises,
                board=board,
                now=ctx.now,
                **_to_put_right(enterprise, viewer, ctx),
                **_tonight(enterprise, viewer, ctx),
                **_month(enterprise, ctx),
            )


def _add_month_sheet(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/own/month.xlsx")
    @requires_permission("enterprise.see")
    def month_sheet(viewer: Viewer) -> Response:
        with uow.read() as store:
            ctx, enterprises = uow.context(store), store.register.enterprises_of(viewer.person_id)
            if not enterprises:
                abort(404)
            month = enterprise_month(ctx, _chosen(enterprises), _requested_month(ctx))
        name = say(
            "enterprise_month.file_name",
            enterprise=month.enterprise.short_name,
            year=month.first.year,
            month=month.first.month,
        )
        workbook = BytesIO(enterprise_month_workbook(month, uow.zone))
        return send_file(workbook, mimetype=_WORKBOOK_TYPE, as_attachment=True, download_name=name)


def _chosen(enterprises: list[Enterprise]) -> Enterprise:
    """The one in the query, the first without one. 404 for one that the viewer does not work for."""
    code = text_argument("enterprise")
    chosen = next((each for each in enterprises if not code or each.code == code), None)
    return chosen or abort(404)


def _requested_month(ctx: Context) -> date:
    """The first morning of the month in the query, of the present one without it; never a month to come."""
    text = request.args.get("month")
    month = parse_night(f"{text}-01") if text else ctx.night.replace(day=1)
    return min(month or abort(404), ctx.night.replace(day=1))


def _to_put_right(enterprise: Enterprise, viewer: Viewer, ctx: Context) -> dict[str, Any]:
    """The hazards that are not reported as put right, the latest first."""
    own = replace(visible_hazards(viewer, ctx.now), enterprise_ids=frozenset({enterprise.id}))
    wanted = replace(own, states=(INCOMPLETE, RECTIFYING))
    return {
        "hazards": hazard_rows(ctx.store.hazards.find(wanted, ctx.today, _MOST_HAZARDS), ctx),
        "hazard_count": ctx.store.hazards.counts(wanted, ctx.today)["total"],
    }


def _tonight(enterprise: Enterprise, viewer: Viewer, ctx: Context) -> dict[str, Any]:
    """Tonight's parts with films and verdicts, the last nights, and who is on duty."""
    night, store = ctx.night, ctx.store
    films = store.submissions.of_enterprise(enterprise.id, night)
    nights = history(ctx, night - timedelta(days=_NIGHTS - 1), night, frozenset({enterprise.id}))
    return {
        "night": night,
        "window": submission_window(night, ctx.rules),
        "judgement": next(iter(judge_night(ctx, night, enterprise.id).enterprises), None),
        "films": films,
        "sender_names": sender_names(films, store),
        "verdicts": visible_verdicts(night_review(ctx, night, enterprise.id), viewer, ctx),
        "nights": nights,
        "own_nights": next(iter(nights.enterprises), None),
        "duty": store.duty.people_on_shift(shift_day_of_night(night)).get("leader", ()),
    }


def _month(enterprise: Enterprise, ctx: Context) -> dict[str, Any]:
    month = enterprise_month(ctx, enterprise, _requested_month(ctx))
    is_present = month.last >= ctx.night
    return {
        "month": month,
        "previous_month": f"{month.first - ONE_DAY:%Y-%m}",
        "next_month": "" if is_present else f"{month.last + ONE_DAY:%Y-%m}",
    }
