"""Tonight: how the night stands, for those who watch it."""

from __future__ import annotations

from flask import Blueprint, render_template

from bot.memory import Memory
from bot.web.dashboard.guard import allowed
from handlers.permissions import Viewer
from schedules.nights import judged
from schedules.patrol_night import night_of


def blueprint(memory: Memory) -> Blueprint:
    """/."""
    pages = Blueprint("tonight", __name__)

    @pages.get("/")
    @allowed("tonight.see")
    def tonight(viewer: Viewer) -> str:
        now = memory.clock.now()
        with memory.reading() as store:
            book = memory.book(store)
            night = night_of(now, book)
            whole = judged(store, night, book, now)
        enterprises = [each for each in whole.enterprises if viewer.sees(each.enterprise.id)]
        return render_template("tonight.html", night=night, enterprises=enterprises)

    return pages
