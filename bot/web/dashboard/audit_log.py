"""The audit log: who did what, and whether the chain of entries is intact."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from bot.texts import fill
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.audit_sentences import audit_sentence, field_label
from bot.web.dashboard.authorization import requires_permission
from bot.web.parameters import number_argument, text_argument
from handlers.permissions import Viewer
from schedules.audit_log import check_audit_log

_PAGE_SIZE = 50


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/trail."""
    pages = Blueprint("audit_log", __name__)

    @pages.record_once
    def add_globals(state: object) -> None:
        state.app.jinja_env.globals.update(  # type: ignore[attr-defined]
            fill=fill, audit_sentence=audit_sentence, field_label=field_label
        )

    @pages.get("/trail")
    @requires_permission("audit_log.see")
    def trail(viewer: Viewer) -> str:
        search_text, before = text_argument("q"), number_argument("before")
        with uow.read() as store:
            entries = store.audit_log.page(before, search_text, _PAGE_SIZE + 1)
            head, check = store.audit_log.head(), check_audit_log(store) if request.args.get("check") else None
        return render_template(
            "audit_log.html",
            entries=entries[:_PAGE_SIZE],
            has_more=len(entries) > _PAGE_SIZE,
            search_text=search_text,
            head=head,
            check=check,
        )

    return pages
