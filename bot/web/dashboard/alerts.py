"""What somebody has to answer tonight, above the board: danger that was reported, films that are missing."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from bot.texts import say, sentences
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from handlers.alerts import take
from handlers.permissions import Viewer
from schedules.patrol_night import night_of
from storage.db.models import Alert


def blueprint(memory: Memory) -> Blueprint:
    """/tonight/alarms, a part of the page that asks for itself again."""
    pages = Blueprint("alarms", __name__)

    @pages.get("/tonight/alarms")
    @allowed("alarms.see")
    def alarms(viewer: Viewer) -> str:
        with memory.reading() as store:
            found = store.alerts.of_night(night_of(memory.clock.now(), memory.book(store)))
        return render_template("alarms.html", alarms=found, words=_words)

    @pages.post("/tonight/alarms/<int:alert_id>/take")
    @allowed("alarms.take")
    def taken(viewer: Viewer, alert_id: int) -> str:
        """The same as 已知悉 in the chat."""
        now = memory.clock.now()
        with memory.transaction() as store:
            alert, person = store.alerts.get(alert_id), store.register.person(viewer.person_id)
            if alert is None or person is None:
                abort(404)
            book = memory.book(store)
            take(alert, person, store, book, now)
            found = store.alerts.of_night(night_of(now, book))
        return render_template("alarms.html", alarms=found, words=_words)

    return pages


def _words(alert: Alert) -> str:
    if alert.cause == "danger":
        return say("alert.danger_card", **alert.params)
    key = f"alarm.{alert.cause}"
    return say(key if key in sentences() else "alarm.other")
