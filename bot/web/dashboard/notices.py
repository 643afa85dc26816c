"""Who was told what: all notices of a span of nights, with every attempt, and what waits in our own queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from bot.texts import all_texts, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.notice_view_models import notice_view
from bot.web.parameters import night_argument, parse_night, parse_number, text_argument
from handlers.enterprise_names import resolve_enterprise
from handlers.permissions import Viewer
from storage.db.models import Enterprise
from storage.errors import OperationRefused
from storage.notice_log import OUTCOMES, NoticeFilter, NoticeLog, Position, WaitingRoute
from storage.store import Store

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
            ctx = uow.context(store)
            enterprise_text = text_argument("enterprise")[:_LONGEST_NAME]
            enterprise, error = _find_enterprise(enterprise_text, store)
            wanted, log = _requested_filter(ctx.night, enterprise), NoticeLog(store.session)
            return render_template(
                "notices.html",
                wanted=wanted,
                enterprise_text=enterprise_text,
                error=error,
                enterprises=store.register.supervised_enterprises(),
                kinds=_kinds(),
                outcomes=list(OUTCOMES),
                spans={days: _span_query(ctx.night, days) for days in _SPANS},
                now=ctx.now,
                query=_query,
                **_queue(log.waiting(ctx.now)),
                **({"views": []} if error else _listed(wanted, log)),
            )

    return pages


def _listed(wanted: NoticeFilter, log: NoticeLog) -> dict[str, Any]:
    """One page of the list: its notices, the counts of the whole list, and where the next page begins."""
    notices = list(log.page(wanted, _position(), _PAGE_SIZE + 1))
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


def _find_enterprise(text: str, store: Store) -> tuple[Enterprise | None, str]:
    """The enterprise that a text names, or why it names none."""
    try:
        return (resolve_enterprise(text, store), "") if text else (None, "")
    except OperationRefused as refused:
        return None, say(refused.text_key, **refused.params)


def _position() -> Position | None:
    """The place in the list after which a page begins, as `night.id`."""
    night_text, _, id_text = request.args.get("before", "").partition(".")
    night, notice_id = parse_night(night_text), parse_number(id_text)
    return None if night is None or notice_id is None else (night, notice_id)


def _kinds() -> list[str]:
    return [key.partition(".")[2] for key in all_texts() if key.startswith("notice_kind.")]


def _span_query(tonight: date, days: int) -> str:
    return _query(**{"from": f"{tonight - timedelta(days=days - 1)}", "to": f"{tonight}"})


def _query(**changed: str) -> str:
    """The query of the present page with some parameters changed; it begins with the latest notice."""
    kept = {name: value for name, value in request.args.items() if name != "before"}
    return urlencode({name: value for name, value in {**kept, **changed}.items() if value})


def _format_delay(delay: timedelta) -> str:
    seconds = max(0, round(delay.total_seconds()))
    if seconds < 90:
        return say("notice_log.seconds", count=seconds)
    if seconds < 90 * 60:
        return say("history.minutes", count=round(seconds / 60))
    return say("history.hours", count=round(seconds / 3600))
