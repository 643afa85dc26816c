"""Looking back: nights × enterprises, one enterprise by itself, and finding a thing by a word."""

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
from handlers import objections
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import night_of
from schedules.reports.history import History, history
from schedules.reports.response_times import StepDuration, response_times, step_durations
from schedules.rules import RuleBook
from storage.db.models import Enterprise
from storage.errors import OperationRefused
from storage.search import search_records
from storage.store import Store

SPAN_DAYS = (7, 31, 92)
_DRAWN = ("on_time", "late", "partial", "missing", "unjudged")


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/history, /enterprises/<code> and /search."""
    pages = Blueprint("history", __name__)

    @pages.context_processor
    def furnish() -> dict[str, Any]:
        return {"format_duration": _spoken}

    _add_nights(pages, uow)
    _add_enterprise(pages, uow)
    _add_search(pages, uow)
    return pages


def _add_nights(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/history")
    @requires_permission("history.see")
    def nights(viewer: Viewer) -> str:
        now = memory.clock.now()
        with memory.read() as store:
            book = memory.rules(store)
            tonight = night_of(now, book)
            first, last, span = _span(tonight)
            found = history(Context(store, book, now), first, last, viewer.enterprise_ids)
            watch = _watch(store, last) if viewer.enterprise_ids is None else []
        return render_template(
            "history.html",
            history=found,
            span=span,
            span_choices=SPAN_DAYS,
            last_night=last,
            chart=_chart(found),
            state_symbols=board.STATE_SYMBOLS,
            response_steps=watch,
            risk_css=board.RISK_CSS,
            earlier_end=first - timedelta(days=1),
            later_end=min(last + timedelta(days=span), tonight),
        )


def _spoken(took: timedelta) -> str:
    minutes = took.total_seconds() / 60
    return (
        say("history.minutes", count=round(minutes))
        if minutes < 90
        else say("history.hours", count=round(minutes / 60))
    )


def _watch(store: Store, last: date) -> list[StepDuration]:
    """How long the supervisors took over the films of the last nights: the other side of the enterprises' lateness."""
    films = store.submissions.films_between(last - timedelta(days=SPAN_DAYS[0] - 1), last)
    return step_durations(response_times(store, films).values())


def _span(tonight: date) -> tuple[date, date, int]:
    """The nights asked for: so many, up to a date."""
    span = request.args.get("days", SPAN_DAYS[1], type=int)
    span = span if span in SPAN_DAYS else SPAN_DAYS[1]
    try:
        last = min(date.fromisoformat(request.args.get("to", "")), tonight)
    except ValueError:
        last = tonight
    return last - timedelta(days=span - 1), last, span


def _chart(found: History) -> str:
    """What each night came to, as a picture for those who would rather look than read."""
    series = [
        {
            "type": "bar",
            "stack": "n",
            "name": say(f"board.{state}"),
            "itemStyle": {"color": _COLOURS[state]},
            "data": [found.tallies[night].counts[state] for night in found.nights],
        }
        for state in _DRAWN
    ]
    axis = {"type": "category", "data": [f"{night:%m-%d}" for night in found.nights]}
    grid = {"left": 40, "right": 10, "top": 40, "bottom": 30}
    option = {"legend": {"top": 5}, "grid": grid, "xAxis": axis, "yAxis": {"type": "value"}, "series": series}
    return json.dumps({**option, "tooltip": {"trigger": "axis"}}, ensure_ascii=False)


_COLOURS = {"on_time": "#2e9e55", "late": "#e0a100", "partial": "#e8772e", "missing": "#c62828", "unjudged": "#4c8ecb"}


def _add_enterprise(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/enterprises/<code>")
    @requires_permission("enterprise.see")
    def enterprise(viewer: Viewer, code: str) -> str:
        with memory.read() as store:
            return render_template("enterprise_history.html", **_of(viewer, code, store, memory))

    @pages.post("/enterprises/<code>/objections")
    @requires_permission("objection.raise")
    def object_(viewer: Viewer, code: str) -> str | Response | tuple[str, int]:
        with memory.transaction() as store:
            found = _seen(viewer, code, store)
            book, now = memory.rules(store), memory.clock.now()
            try:
                night = _night(request.form.get("night", ""))
                objections.raise_objection(
                    found, night, viewer.person_id, request.form.get("text", ""), Context(store, book, now)
                )
            except OperationRefused as refused:
                told = say(refused.text_key, **refused.params)
                return render_template("enterprise_history.html", error=told, **_of(viewer, code, store, memory)), 422
        return redirect(f"/enterprises/{quote(code)}#objections")


def _night(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OperationRefused("objection.invalid_night") from error


def _seen(viewer: Viewer, code: str, store: Store) -> Enterprise:
    """The enterprise, where this viewer may know of it at all."""
    found = store.register.enterprise_by_code(code)
    if found is None or not viewer.can_see(found.id):
        abort(404)
    return found


def _of(viewer: Viewer, code: str, store: Store, memory: UnitOfWork) -> dict[str, Any]:
    found, now, book = _seen(viewer, code, store), memory.clock.now(), memory.rules(store)
    first, last, span = _span(night_of(now, book))
    nights = history(Context(store, book, now), first, last, frozenset({found.id}))
    people = store.register.employees([found.id]).get(found.id, [])
    return {
        "enterprise": found,
        "enterprise_row": next(iter(nights.enterprises), None),
        "history": nights,
        "span": span,
        "span_choices": SPAN_DAYS,
        "films": store.submissions.of_enterprise_between(found.id, first, last),
        "people": people,
        "last_night": last,
        "notices": store.notices.latest_to([person.id for person in people], first),
        "objections": store.objections.of_enterprise(found.id),
        "state_symbols": board.STATE_SYMBOLS,
        "risk_css": board.RISK_CSS,
        "window_text": _rules(book, last),
    }


def _rules(book: RuleBook, night: date) -> str:
    agreed = book.for_night(night)
    return f"{agreed.opens:%H:%M}–{agreed.closes:%H:%M}"


def _add_search(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/search")
    @requires_permission("enterprise.see")
    def search(viewer: Viewer) -> str:
        words = request.args.get("q", "").strip()
        with memory.read() as store:
            today = memory.clock.now().astimezone(memory.zone).date()
            found = search_records(store.session, words, today, viewer.enterprise_ids) if words else None
        return render_template("search.html", search_text=words, results=found)
