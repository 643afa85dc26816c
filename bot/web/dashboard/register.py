"""The register in the browser: every sheet of the workbook, and one row at a time with its audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.register_rules import rule_help, shown_rules
from bot.web.parameters import number_argument, query_with, text_argument
from bot.workbooks.register.edit_row import RegisterRow, form_columns, list_rows, save_row
from bot.workbooks.register.pick_lists import is_searched, pick_lists
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.rule_kinds import RULE_KINDS, form_value
from bot.workbooks.register.schema import ENTERPRISES, ROSTER, RULES, SECRET_FIELDS, SHEETS_BY_TITLE
from handlers.bindings import complete_register_change
from handlers.permissions import Viewer
from schedules.context import Context
from storage.objects import ObjectStore
from storage.store import Store

_PAGE_SIZE = 100
# Sheets whose changes need another permission than register.edit.
_EDIT_ACTIONS = {ROSTER: "roster.edit", RULES: "rules.edit"}


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/register, /register/<sheet>, and the form of one row."""
    pages = Blueprint("register", __name__)
    _add_list(pages, uow)
    _add_form(pages, uow, film_access.objects)
    return pages


def _add_list(pages: Blueprint, uow: UnitOfWork) -> None:
    @pages.get("/register")
    @pages.get("/register/<title>")
    @requires_permission("register.see")
    def show_sheet(viewer: Viewer, title: str = ENTERPRISES) -> str:
        search_text, offset = text_argument("q"), number_argument("from") or 0
        with uow.read() as store:
            rows = [row for row in _rows_or_404(store, title) if _matches(row, search_text)]
            rules = shown_rules(rows, uow.context(store)) if title == RULES else None
        return render_template(
            "register.html" if rules is None else "register_rules.html",
            rules=rules,
            rule_help=rule_help,
            sheet_title=title,
            sheet_titles=SHEETS_BY_TITLE,
            columns=form_columns(SHEETS_BY_TITLE[title]),
            search_text=search_text,
            offset=offset,
            total=len(rows),
            rows=rows[offset : offset + _PAGE_SIZE],
            page_size=_PAGE_SIZE,
            query=query_with,
            secret_fields=SECRET_FIELDS,
            may_edit=viewer.may(edit_action(title)),
        )


def _add_form(pages: Blueprint, uow: UnitOfWork, objects: ObjectStore) -> None:
    @pages.get("/register/<title>/row")
    @requires_permission("register.see")
    def form(viewer: Viewer, title: str) -> str:
        row_hash = request.args.get("row", "")
        with uow.read() as store:
            row = _find(_rows_or_404(store, title), row_hash)
            if row_hash and row is None:
                abort(404)
            return _render_form(viewer, title, store, row, row.cells if row else request.args)

    @pages.post("/register/<title>/row")
    @requires_permission("register.edit")
    def save(viewer: Viewer, title: str) -> str | Response | tuple[str, int]:
        if not viewer.may(edit_action(title)):
            abort(403)
        row_hash, now = request.args.get("row", ""), uow.clock.now()
        with uow.transaction() as store:
            row = _find(_rows_or_404(store, title), row_hash)
            cells = _cells(title, request.form)
            if row_hash and row is None:
                return _render_form(viewer, title, store, None, cells, [say("register_page.changed_by_other")]), 409
            before, may_appoint = row.cells if row else None, viewer.may("people.appoint")
            saved = save_row(title, cells, before, store, objects, now, viewer.name, may_appoint=may_appoint)
            if not saved.result.applied:
                return _render_form(viewer, title, store, row, cells, refusal_lines(saved.result)), 422
            complete_register_change(saved.result.new_bindings, Context(store, uow.rules(store), now))
        for line in saved.result.warnings:
            flash(line)
        return redirect(_saved_url(title, saved.cells))


def _saved_url(title: str, cells: Mapping[str, str]) -> str:
    """Where the saved row is seen."""
    if title == ROSTER:
        return url_for("roster.show_month", month=cells["day"][:7], _anchor=f"day-{cells['day']}")
    return url_for(".show_sheet", title=title, q=next(iter(cells.values())))


def edit_action(sheet_title: str) -> str:
    """The permission needed to change a sheet."""
    return _EDIT_ACTIONS.get(sheet_title, "register.edit")


def refusal_lines(result: ImportResult) -> list[str]:
    """The refused cells of one row, by the names of their columns."""
    return [f"{each.column}：{each.reason}" if each.column else str(each) for each in result.refusals]


def _rows_or_404(store: Store, title: str) -> list[RegisterRow]:
    if title not in SHEETS_BY_TITLE:
        abort(404)
    return list_rows(store, title)


def _matches(row: RegisterRow, search_text: str) -> bool:
    return all(word in "\n".join(row.cells.values()).lower() for word in search_text.lower().split())


def _find(rows: list[RegisterRow], row_hash: str) -> RegisterRow | None:
    return next((row for row in rows if row.row_hash == row_hash), None)


def _cells(title: str, form: MultiDict[str, str]) -> dict[str, str]:
    """The text of each cell; the fields of a list are joined as in the workbook."""
    fields = [column.field for column in form_columns(SHEETS_BY_TITLE[title])]
    cells = {field: "、".join(filter(None, map(str.strip, form.getlist(field)))) for field in fields}
    if title == RULES:
        cells["value"] = form_value(cells["name"], form.getlist("value"))
    return cells


def _render_form(
    viewer: Viewer,
    title: str,
    store: Store,
    row: RegisterRow | None,
    cells: Mapping[str, Any],
    errors: Sequence[str] = (),
) -> str:
    sheet = SHEETS_BY_TITLE[title]
    return render_template(
        "register_row.html",
        sheet_title=title,
        columns=form_columns(sheet),
        cells=cells,
        row=row,
        errors=errors,
        audit_entries=store.audit_log.of_subject(row.audit_subject) if row else [],
        may_edit=viewer.may(edit_action(title)),
        pick_lists=pick_lists(store, sheet, cells.get("code", "")),
        is_searched=is_searched,
        rule_kinds=RULE_KINDS if title == RULES else {},
        rule_help=rule_help,
        key_fields=sheet.key_fields,
    )
