"""Tonight's alerts above the board: reported emergencies and missing films, and acknowledging them."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from bot.texts import all_texts, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from handlers.alerts import acknowledge_alert
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.db.models import Alert


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
        """The same as 已知悉 in the chat."""
        with uow.transaction() as store:
            alert, person = store.alerts.get(alert_id), store.register.person(viewer.person_id)
            if alert is None or person is None:
                abort(404)
            ctx = uow.context(store)
            acknowledge_alert(alert, person, ctx)
            return _render(ctx)

    return pages


def _render(ctx: Context) -> str:
    alerts = ctx.store.alerts.of_night(night_of(ctx.now, ctx.rules))
    return render_template("alerts.html", alerts=alerts, alert_text=_alert_text)


def _alert_text(alert: Alert) -> str:
    if alert.cause == "emergency":
        return say("alert.emergency_card", **alert.params)
    key = f"alert_page.{alert.cause}"
    return say(key if key in all_texts() else "alert_page.other")
