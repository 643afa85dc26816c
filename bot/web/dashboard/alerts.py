"""Tonight's alerts above the board: reported emergencies and missing films, and acknowledging them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request

from bot.texts import all_texts, recipient_label, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from handlers.alerts.acknowledging import acknowledge_alert
from handlers.alerts.resolving import resolve_alert
from handlers.permissions import Viewer
from schedules.alerts.escalation import upcoming_rung
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.alerts import EMERGENCY
from storage.db.models import Alert, AlertEntry, Person
from storage.errors import OperationRefused
from storage.notices import SMS_MAIL

_MAX_LENGTH = 500


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/tonight/alarms: a fragment that polls for itself."""
    pages = Blueprint("alerts", __name__)

    @pages.get("/tonight/alarms")
    @requires_permission("alerts.see")
    def alarms(viewer: Viewer) -> str:
        with uow.read() as store:
            return _render(uow.context(store))

    @pages.post("/tonight/alarms/<id:alert_id>/take")
    @requires_permission("alerts.acknowledge")
    def acknowledge(viewer: Viewer, alert_id: int) -> str:
        """The same as 已知悉 in the chat, with a note."""
        return _act(
            uow, viewer, alert_id, lambda alert, person, ctx: acknowledge_alert(alert, person, ctx, note=_text())
        )

    @pages.post("/tonight/alarms/<id:alert_id>/resolve")
    @requires_permission("alerts.acknowledge")
    def resolve(viewer: Viewer, alert_id: int) -> str:
        """The same as 已解除 in the chat, with the outcome."""
        return _act(uow, viewer, alert_id, lambda alert, person, ctx: resolve_alert(alert, person, _text(), ctx))

    return pages


def _text() -> str:
    return request.form.get("text", "").strip()[:_MAX_LENGTH]


def _act(uow: UnitOfWork, viewer: Viewer, alert_id: int, act: Callable[[Alert, Person, Context], object]) -> str:
    """The alerts after an act; a refusal stands above them."""
    with uow.transaction() as store:
        alert, person = store.alerts.get(alert_id), store.register.person(viewer.person_id)
        if alert is None or person is None:
            abort(404)
        ctx, problem = uow.context(store), ""
        try:
            act(alert, person, ctx)
        except OperationRefused as refused:
            problem = say(refused.text_key, **refused.params)
        return _render(ctx, problem)


@dataclass(frozen=True)
class AlertView:
    """One alert as it is shown. `mobile` is empty without a number to call; `seconds` are those until `next_names`."""

    alert: Alert
    holder: str | None
    is_acknowledged: bool
    entries: Sequence[AlertEntry]
    text: str
    mobile: str = ""
    next_names: Sequence[str] = ()
    seconds: int = 0


def _render(ctx: Context, problem: str = "") -> str:
    shown = ctx.store.alerts.shown(night_of(ctx.now, ctx.rules))
    views = [_view(alert, holder, ctx) for alert, holder in shown]
    # Those that wait for an answer come first.
    views.sort(key=lambda view: view.is_acknowledged)
    return render_template("alerts.html", alerts=views, problem=problem)


def _view(alert: Alert, holder: str | None, ctx: Context) -> AlertView:
    mobile, upcoming = str(alert.params.get("mobile", "")), upcoming_rung(alert, ctx)
    people, at = upcoming or ((), ctx.now)
    names = [person.name for person in people] or [recipient_label(SMS_MAIL)]
    return AlertView(
        alert,
        holder,
        alert.is_acknowledged(ctx.now),
        ctx.store.alerts.entries(alert.id),
        _alert_text(alert),
        mobile if any(map(str.isdigit, mobile)) else "",
        names if upcoming else (),
        max(0, round((at - ctx.now).total_seconds())),
    )


def _alert_text(alert: Alert) -> str:
    if alert.cause == EMERGENCY:
        return say("alert_page.emergency_report", **alert.params)
    key = f"alert_page.{alert.cause}"
    return say(key if key in all_texts() else "alert_page.other")
