"""The register on the desk: every sheet of the workbook, one row at a time, with what was done to it before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.workbooks.register.edit_row import SECRET_FIELDS, RegisterRow, form_columns, list_rows, save_row
from bot.workbooks.register.schema import ENTERPRISES, ROSTER, RULES, SHEETS_BY_TITLE
from handlers.films import release_quarantined_films
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.rules import RULE_DEFAULTS
from storage.objects import ObjectStore
from storage.store import Store

_AT_ONCE = 100
# Who may change a sheet, where that is not whoever keeps the register.
_EDITED_BY = {ROSTER: "roster.edit", RULES: "rules.edit"}


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/register, /register/<sheet>, and the form of one row."""
    pages = Blueprint("register", __name__)
    _add_list(pages, uow)
    _add_form(pages, uow, film_access.objects)
    return pages


def _add_list(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/register")
    @pages.get("/register/<title>")
    @requires_permission("register.see")
    def show_sheet(viewer: Viewer, title: str = ENTERPRISES) -> str:
        words, start = request.args.get("q", "").strip(), request.args.get("from", 0, type=int)
        with memory.read() as store:
            found = [each for each in _entries(store, title) if _has(each, words)]
        return render_template(
            "register.html",
            sheet_title=title,
            sheet_titles=SHEETS_BY_TITLE,
            columns=form_columns(SHEETS_BY_TITLE[title]),
            search_text=words,
            offset=start,
            total=len(found),
            rows=found[start : start + _AT_ONCE],
            page_size=_AT_ONCE,
            secret_fields=SECRET_FIELDS,
            may_edit=viewer.may(edit_action(title)),
        )


def _add_form(pages: Blueprint, memory: UnitOfWork, objects: ObjectStore) -> None:
    @pages.get("/register/<title>/row")
    @requires_permission("register.see")
    def form(viewer: Viewer, title: str) -> str:
        mark = request.args.get("row", "")
        with memory.read() as store:
            found = _find(_entries(store, title), mark)
            if mark and found is None:
                abort(404)
            return _form(viewer, title, store, found, found.cells if found else request.args)

    @pages.post("/register/<title>/row")
    @requires_permission("register.edit")
    def save(viewer: Viewer, title: str) -> str | Response | tuple[str, int]:
        if not viewer.may(edit_action(title)):
            abort(403)
        mark, now = request.args.get("row", ""), memory.clock.now()
        with memory.transaction() as store:
            found = _find(_entries(store, title), mark)
            cells = _cells(title, request.form)
            if mark and found is None:
                return _form(viewer, title, store, None, cells, [say("register_page.changed_by_other")]), 409
            before = found.cells if found else None
            outcome = save_row(title, cells, before, store, objects, now, viewer.name)
            if not outcome.applied:
                told = [f"{each.column}：{each.reason}" if each.column else str(each) for each in outcome.refusals]
                return _form(viewer, title, store, found, cells, told), 422
            release_quarantined_films(Context(store, memory.rules(store), now))
        return redirect(url_for(".show_sheet", title=title, q=next(iter(cells.values()))))


def edit_action(sheet_title: str) -> str:
    """The action that changing a sheet is."""
    return _EDITED_BY.get(sheet_title, "register.edit")


def _entries(store: Store, title: str) -> list[RegisterRow]:
    if title not in SHEETS_BY_TITLE:
        abort(404)
    return list_rows(store, title)


def _has(entry: RegisterRow, words: str) -> bool:
    return all(word in "\n".join(entry.cells.values()).lower() for word in words.lower().split())


def _find(found: list[RegisterRow], mark: str) -> RegisterRow | None:
    return next((each for each in found if each.row_hash == mark), None) if mark else None


def _cells(title: str, given: Mapping[str, str]) -> dict[str, str]:
    return {column.field: given.get(column.field, "").strip() for column in form_columns(SHEETS_BY_TITLE[title])}


def _form(
    viewer: Viewer,
    title: str,
    store: Store,
    found: RegisterRow | None,
    cells: Mapping[str, Any],
    told: list[str] | None = None,
) -> str:
    history = store.audit_log.of_subject(found.audit_subject) if found else []
    return render_template(
        "register_row.html",
        sheet_title=title,
        columns=form_columns(SHEETS_BY_TITLE[title]),
        cells=cells,
        row=found,
        errors=told or [],
        audit_entries=history,
        may_edit=viewer.may(edit_action(title)),
        rule_defaults=RULE_DEFAULTS if title == RULES else {},
        key_fields=SHEETS_BY_TITLE[title].key_fields,
    )
