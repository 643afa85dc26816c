"""One's own page: who one is here, where one is signed in, and the way out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from flask_login import current_user
from werkzeug.wrappers import Response

from bot.clock import wall_now
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed, digest
from bot.web.dashboard.sessions import end, end_everywhere
from handlers.permissions import OWN, Viewer


def blueprint(memory: Memory) -> Blueprint:
    """/account, and the two ways out."""
    pages = Blueprint("account", __name__)

    @pages.get("/account")
    @allowed(OWN)
    def account(viewer: Viewer) -> str:
        with memory.reading() as store:
            sessions = store.access.open_sessions(viewer.person_id, wall_now())
        return render_template("account.html", sessions=sessions, this=digest(current_user.id))

    @pages.post("/account/leave")
    @allowed(OWN)
    def leave(viewer: Viewer) -> Response:
        end(memory, current_user.id)
        return redirect("/login?by=hand")

    @pages.post("/account/leave-everywhere")
    @allowed(OWN)
    def leave_everywhere(viewer: Viewer) -> Response:
        end_everywhere(memory, viewer.person_id)
        return redirect("/login?by=hand")

    return pages
