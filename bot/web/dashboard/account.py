"""The account page: own roles and sessions, and signing out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from flask_login import current_user
from werkzeug.wrappers import Response

from bot.clock import wall_now
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import hash_token, requires_permission
from bot.web.dashboard.sessions import end_all_sessions, end_session
from handlers.permissions import OWN_SESSION, Viewer


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/account, and signing out of one browser or all of them."""
    pages = Blueprint("account", __name__)

    @pages.get("/account")
    @requires_permission(OWN_SESSION)
    def account(viewer: Viewer) -> str:
        with uow.read() as store:
            sessions = store.sign_ins.open_sessions(viewer.person_id, wall_now())
        return render_template("account.html", sessions=sessions, current_token_hash=hash_token(current_user.id))

    @pages.post("/account/leave")
    @requires_permission(OWN_SESSION)
    def leave(viewer: Viewer) -> Response:
        end_session(uow, current_user.id)
        return _signed_out()

    @pages.post("/account/leave-everywhere")
    @requires_permission(OWN_SESSION)
    def leave_everywhere(viewer: Viewer) -> Response:
        end_all_sessions(uow, viewer.person_id)
        return _signed_out()

    return pages


def _signed_out() -> Response:
    """To the sign-in page. The next person at this browser must not find images in its cache."""
    response = redirect("/login?by=hand")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
