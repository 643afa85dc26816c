"""What somebody has to answer tonight, above the board: danger that was reported, films that are missing."""

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
    """/tonight/alarms, a part of the page that asks for itself again."""
    pages = Blueprint("alerts", __name__)

    @pages.get("/tonight/alarms")
    @requires_permission("alerts.see")
    def alarms(viewer: Viewer) -> str:
        with uow.read() as store:
            found = store.alerts.of_night(night_of(uow.clock.now(), uow.rules(store)))
        return render_template("alerts.html", alerts=found, alert_text=_words)

    @pages.post("/tonight/alarms/<int:alert_id>/take")
    @requires_permission("alerts.acknowledge")
    def taken(viewer: Viewer, alert_id: int) -> str:
        """The same as 已知悉 in the chat."""
        now = uow.clock.now()
        with uow.transaction() as store:
            alert, person = store.alerts.get(alert_id), store.register.person(viewer.person_id)
            if alert is None or person is None:
                abort(404)
            book = uow.rules(store)
            acknowledge_alert(alert, person, Context(store, book, now))
            found = store.alerts.of_night(night_of(now, book))
        return render_template("alerts.html", alerts=found, alert_text=_words)

    return pages


def _words(alert: Alert) -> str:
    if alert.cause == "emergency":
        return say("alert.emergency_card", **alert.params)
    key = f"alert_page.{alert.cause}"
    return say(key if key in all_texts() else "alert_page.other")
