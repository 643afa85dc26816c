"""Who was told what: all notices of a span of nights, with every attempt, and what waits in our own queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template

from bot.texts import all_texts, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.enterprise_argument import enterprise_text, find_enterprise
from bot.web.dashboard.notice_view_models import notice_view
from bot.web.parameters import night_argument, parse_night, position_argument, query_with, text_argument
from handlers.permissions import Viewer
from schedules.context import Context
from storage.db.models import Enterprise
from storage.notice_log import OUTCOMES, NoticeFilter, NoticeLog, WaitingRoute

_PAGE_SIZE, _ROUTES_SHOWN = 50, 20
_SPANS = (1, 7, 31)
# A later notice than this is shown as late.
_LATE_AFTER = timedelta(minutes=5)
_LONGEST_NAME = 100


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/notices."""
    pages = Blueprint("notices", __name__)

    @pages.context_processor
    def add_formats() -> dict[str, Any]:
        return {"format_delay": _format_delay, "late_after": _LATE_AFTER}

    @pages.get("/notices")
    @requires_permission("notices.see")
    def list_notices(viewer: Viewer) -> str:
        with uow.read() as store:
            return _render(uow.context(store))

    return pages


def _render(ctx: Context) -> str:
    typed = enterprise_text()
    enterprise, error = find_enterprise(typed, ctx.store)
    wanted, log = _requested_filter(ctx.night, enterprise), NoticeLog(ctx.store.session)
    return render_template(
        "notices.html",
        wanted=wanted,
        enterprise_text=typed,
        error=error,
        enterprises=ctx.store.register.supervised_enterprises(),
        kinds=_kinds(),
        outcomes=list(OUTCOMES),
        spans={days: _span_query(ctx.night, days) for days in _SPANS},
        now=ctx.now,
        query=query_with,
        **_queue(log.waiting(ctx.now)),
        **({"views": []} if error else _listed(wanted, log)),
    )


def _listed(wanted: NoticeFilter, log: NoticeLog) -> dict[str, Any]:
    """One page of the list: its notices, the counts of the whole list, and where the next page begins."""
    notices = list(log.page(wanted, position_argument(parse_night), _PAGE_SIZE + 1))
    shown, has_more = notices[:_PAGE_SIZE], len(notices) > _PAGE_SIZE
    attempts = log.attempts(notice.id for notice in shown)
    return {
        "views": [notice_view(notice, attempts.get(notice.id, ())) for notice in shown],
        "counts": log.counts(wanted),
        "older_than": f"{shown[-1].night}.{shown[-1].id}" if has_more else "",
    }


def _queue(routes: Sequence[WaitingRoute]) -> dict[str, Any]:
    return {
        "waiting": routes[:_ROUTES_SHOWN],
        "routes_left_out": max(0, len(routes) - _ROUTES_SHOWN),
        "waiting_count": sum(route.count for route in routes),
    }


def _requested_filter(tonight: date, enterprise: Enterprise | None) -> NoticeFilter:
    """The filter in the query, the last seven nights without one."""
    last = night_argument("to") or tonight
    first = min(night_argument("from") or last - timedelta(days=6), last)
    kind, outcome = text_argument("kind"), text_argument("outcome")
    return NoticeFilter(
        first,
        last,
        text_argument("recipient")[:_LONGEST_NAME],
        enterprise,
        kind if kind in _kinds() else "",
        outcome if outcome in OUTCOMES else "",
    )


def _kinds() -> list[str]:
    return [key.partition(".")[2] for key in all_texts() if key.startswith("notice_kind.")]


def _span_query(tonight: date, days: int) -> str:
    return query_with(**{"from": f"{tonight - timedelta(days=days - 1)}", "to": f"{tonight}"})


def _format_delay(delay: timedelta) -> str:
    seconds = max(0, round(delay.total_seconds()))
    if seconds < 90:
        return say("notice_log.seconds", count=seconds)
    if seconds < 90 * 60:
        return say("history.minutes", count=round(seconds / 60))
    return say("history.hours", count=round(seconds / 3600))
