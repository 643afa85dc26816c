"""Past nights: nights × enterprises, the history of one enterprise, and the search."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard import board
from bot.web.dashboard.authorization import requires_permission
from bot.web.parameters import night_argument, number_argument, parse_night, text_argument
from handlers import objections
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import night_of
from schedules.reports.history import History, history
from schedules.reports.response_times import StepDuration, response_times, step_durations
from storage.db.models import Enterprise
from storage.errors import OperationRefused
from storage.notice_log import NoticeLog
from storage.search import search_records
from storage.store import Store

SPAN_DAYS = (7, 31, 92)
_CHART_COLOURS = {
    "on_time": "#2e9e55",
    "late": "#e0a100",
    "partial": "#e8772e",
    "missing": "#c62828",
    "unjudged": "#4c8ecb",
}


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/history, /enterprises/<code> and /search."""
    pages = Blueprint("history", __name__)

    @pages.context_processor
    def add_formats() -> dict[str, Any]:
        return {"format_duration": _format_duration}

    _add_nights(pages, uow)
    _add_enterprise(pages, uow)
    _add_search(pages, uow)
    return pages


def _add_nights(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/history")
    @requires_permission("history.see")
    def show_history(viewer: Viewer) -> str:
        with uow.read() as store:
            ctx = uow.context(store)
            tonight = night_of(ctx.now, ctx.rules)
            first, last, span = _requested_span(tonight)
            nights = history(ctx, first, last, viewer.enterprise_ids)
            response_steps = _response_steps(store, last) if viewer.enterprise_ids is None else []
        return render_template(
            "history.html",
            history=nights,
            span=span,
            span_choices=SPAN_DAYS,
            last_night=last,
            chart=_chart(nights),
            state_symbols=board.STATE_SYMBOLS,
            response_steps=response_steps,
            risk_css=board.RISK_CSS,
            earlier_end=first - timedelta(days=1),
            later_end=min(last + timedelta(days=span), tonight),
        )


def _format_duration(duration: timedelta) -> str:
    minutes = duration.total_seconds() / 60
    if minutes < 90:
        return say("history.minutes", count=round(minutes))
    return say("history.hours", count=round(minutes / 60))


def _response_steps(store: Store, last: date) -> list[StepDuration]:
    """How long the supervisors took to respond to the films of the seven nights up to `last`."""
    films = store.submissions.films_between(last - timedelta(days=SPAN_DAYS[0] - 1), last)
    return step_durations(response_times(store, films).values())


def _requested_span(tonight: date) -> tuple[date, date, int]:
    """The first and last night in the query, and their number; a month up to tonight without one."""
    days = number_argument("days")
    span = days if days in SPAN_DAYS else SPAN_DAYS[1]
    last = min(night_argument("to") or tonight, tonight)
    return last - timedelta(days=span - 1), last, span


def _chart(nights: History) -> str:
    """The states of each night as stacked bars: an ECharts option as JSON."""
    series = [
        {
            "type": "bar",
            "stack": "n",
            "name": say(f"board.{state}"),
            "itemStyle": {"color": colour},
            "data": [nights.tallies[night].counts[state] for night in nights.nights],
        }
        for state, colour in _CHART_COLOURS.items()
    ]
    axis = {"type": "category", "data": [f"{night:%m-%d}" for night in nights.nights]}
    grid = {"left": 40, "right": 10, "top": 40, "bottom": 30}
    option = {"legend": {"top": 5}, "grid": grid, "xAxis": axis, "yAxis": {"type": "value"}, "series": series}
    return json.dumps({**option, "tooltip": {"trigger": "axis"}}, ensure_ascii=False)


def _add_enterprise(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/enterprises/<code>")
    @requires_permission("enterprise.see")
    def enterprise(viewer: Viewer, code: str) -> str:
        with uow.read() as store:
            return _render_enterprise(viewer, code, uow.context(store))

    @pages.post("/enterprises/<code>/objections")
    @requires_permission("objection.raise")
    def raise_objection(viewer: Viewer, code: str) -> str | Response | tuple[str, int]:
        with uow.transaction() as store:
            enterprise, ctx = _enterprise_or_404(viewer, code, store), uow.context(store)
            try:
                night, text = _parse_night(request.form.get("night", "")), request.form.get("text", "")
                objections.raise_objection(enterprise, night, viewer.person_id, text, ctx)
            except OperationRefused as refused:
                return _render_enterprise(viewer, code, ctx, say(refused.text_key, **refused.params)), 422
        return redirect(f"/enterprises/{quote(code)}#objections")


def _parse_night(text: str) -> date:
    night = parse_night(text)
    if night is None:
        raise OperationRefused("objection.invalid_night")
    return night


def _enterprise_or_404(viewer: Viewer, code: str, store: Store) -> Enterprise:
    enterprise = store.register.enterprise_by_code(code)
    if enterprise is None or not viewer.can_see(enterprise.id):
        abort(404)
    return enterprise


def _render_enterprise(viewer: Viewer, code: str, ctx: Context, error: str | None = None) -> str:
    store, enterprise = ctx.store, _enterprise_or_404(viewer, code, ctx.store)
    first, last, span = _requested_span(night_of(ctx.now, ctx.rules))
    nights, night_rules = history(ctx, first, last, frozenset({enterprise.id})), ctx.rules.for_night(last)
    people = store.register.employees([enterprise.id]).get(enterprise.id, [])
    return render_template(
        "enterprise_history.html",
        error=error,
        enterprise=enterprise,
        enterprise_row=next(iter(nights.enterprises), None),
        history=nights,
        span=span,
        span_choices=SPAN_DAYS,
        films=store.submissions.of_enterprise_between(enterprise.id, first, last),
        people=people,
        last_night=last,
        notices=NoticeLog(store.session).latest_to([person.id for person in people], first),
        objections=store.objections.of_enterprise(enterprise.id),
        state_symbols=board.STATE_SYMBOLS,
        risk_css=board.RISK_CSS,
        window_text=f"{night_rules.opens:%H:%M}–{night_rules.closes:%H:%M}",
    )


def _add_search(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/search")
    @requires_permission("enterprise.see")
    def search(viewer: Viewer) -> str:
        search_text = text_argument("q")
        with uow.read() as store:
            today = uow.clock.now().astimezone(uow.zone).date()
            results = search_records(store.session, search_text, today, viewer.enterprise_ids) if search_text else None
        return render_template("search.html", search_text=search_text, results=results)
