"""The audit log: who did what, and whether the chain of entries is intact."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, render_template, request

from bot.texts import all_texts, fill, say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.parameters import number_argument, text_argument
from bot.workbooks.register.schema import SHEETS
from handlers.permissions import Viewer
from schedules.audit_log import check_audit_log

_PAGE_SIZE = 50
# Details whose values have texts of their own.
_VALUE_TEXTS = {
    "verdict": "verdict.{}",
    "before": "verdict.{}",
    "channel": "channel.{}",
    "cause": "alert_page.{}",
    "sign_in_method": "sign_in.by_{}",
}


def blueprint(uow: UnitOfWork) -> Blueprint:
    """/trail."""
    pages = Blueprint("audit_log", __name__)

    @pages.record_once
    def add_globals(state: object) -> None:
        state.app.jinja_env.globals.update(  # type: ignore[attr-defined]
            fill=fill, action_label=action_label, field_label=field_label, value_label=value_label
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


def action_label(action: str) -> str:
    """The Chinese name of an action; the action itself where it has none."""
    key = f"audit_action.{action}"
    return say(key) if key in all_texts() else action


def field_label(field: str) -> str:
    """The Chinese name of a register column or of a detail of an entry; the field itself where it has none."""
    key = f"audit_detail.{field}"
    return _column_titles().get(field) or (say(key) if key in all_texts() else field)


def value_label(field: str, value: Any) -> Any:
    """A value of an entry's detail as people read it."""
    key = _VALUE_TEXTS.get(field, "").format(value)
    return say(key) if key in all_texts() else "、".join(value) if isinstance(value, list) else value


@cache
def _column_titles() -> dict[str, str]:
    return {column.field: column.title for sheet in reversed(SHEETS) for column in reversed(sheet.columns)}
