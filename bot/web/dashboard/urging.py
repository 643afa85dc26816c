"""催报 from the board: one enterprise or all that still miss films."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from handlers.permissions import Viewer
from handlers.urging import urge


def blueprint(uow: UnitOfWork) -> Blueprint:
    """POST /tonight/urge; the answer replaces the button."""
    pages = Blueprint("urging", __name__)

    @pages.post("/tonight/urge")
    @requires_permission("enterprises.urge")
    def send(viewer: Viewer) -> str:
        """The same as 催 in the chat; without the field `enterprise` all that miss films."""
        code = request.form.get("enterprise")
        with uow.transaction() as store:
            enterprise = store.register.enterprise_by_code(code) if code else None
            if code and enterprise is None:
                abort(404)
            result = urge([enterprise.id] if enterprise else None, viewer.name, uow.context(store))
        return render_template("urge_result.html", params=result.to_params())

    return pages
