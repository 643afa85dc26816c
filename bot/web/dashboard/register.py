"""The register on the desk: every sheet of the workbook, one row at a time, with what was done to it before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.web.dashboard.film_access import Gallery
from bot.workbooks.register.edit_row import SECRET, Entry, entries, form_columns, take_row
from bot.workbooks.register.schema import ENTERPRISES, ROSTER, RULE_DEFAULTS, RULES, SHEET
from handlers.films import recognise_strangers
from handlers.permissions import Viewer
from storage.objects import ObjectStore
from storage.store import Store

_AT_ONCE = 100
# Who may change a sheet, where that is not whoever keeps the register.
_EDITED_BY = {ROSTER: "roster.edit", RULES: "rules.edit"}


def blueprint(memory: Memory, gallery: Gallery) -> Blueprint:
    """/register, /register/<sheet>, and the form of one row."""
    pages = Blueprint("register", __name__)
    _add_list(pages, memory)
    _add_form(pages, memory, gallery.objects)
    return pages


def _add_list(pages: Blueprint, memory: Memory) -> None:
    @pages.get("/register")
    @pages.get("/register/<title>")
    @allowed("register.see")
    def sheet(viewer: Viewer, title: str = ENTERPRISES) -> str:
        words, start = request.args.get("q", "").strip(), request.args.get("from", 0, type=int)
        with memory.reading() as store:
            found = [each for each in _entries(store, title) if _has(each, words)]
        return render_template(
            "register.html", title=title, sheets=SHEET, columns=form_columns(SHEET[title]), words=words, start=start,
            number=len(found), entries=found[start : start + _AT_ONCE], at_once=_AT_ONCE, secret=SECRET,
            may_edit=viewer.may(editing(title)),
        )  # fmt: skip


def _add_form(pages: Blueprint, memory: Memory, objects: ObjectStore) -> None:
    @pages.get("/register/<title>/row")
    @allowed("register.see")
    def form(viewer: Viewer, title: str) -> str:
        mark = request.args.get("row", "")
        with memory.reading() as store:
            found = _find(_entries(store, title), mark)
            if mark and found is None:
                abort(404)
            return _form(viewer, title, store, found, found.cells if found else request.args)

    @pages.post("/register/<title>/row")
    @allowed("register.edit")
    def save(viewer: Viewer, title: str) -> str | Response | tuple[str, int]:
        if not viewer.may(editing(title)):
            abort(403)
        mark, now = request.args.get("row", ""), memory.clock.now()
        with memory.transaction() as store:
            found = _find(_entries(store, title), mark)
            cells = _cells(title, request.form)
            if mark and found is None:
                return _form(viewer, title, store, None, cells, [say("register_page.changed_meanwhile")]), 409
            before = found.cells if found else None
            outcome = take_row(title, cells, before, store, objects, now, viewer.name)
            if not outcome.applied:
                told = [f"{each.column}：{each.reason}" if each.column else str(each) for each in outcome.refusals]
                return _form(viewer, title, store, found, cells, told), 422
            recognise_strangers(store, memory.book(store), now)
        return redirect(url_for("register.sheet", title=title, q=next(iter(cells.values()))))


def editing(title: str) -> str:
    """The action that changing a sheet is."""
    return _EDITED_BY.get(title, "register.edit")


def _entries(store: Store, title: str) -> list[Entry]:
    if title not in SHEET:
        abort(404)
    return entries(store, title)


def _has(entry: Entry, words: str) -> bool:
    return all(word in "\n".join(entry.cells.values()).lower() for word in words.lower().split())


def _find(found: list[Entry], mark: str) -> Entry | None:
    return next((each for each in found if each.mark == mark), None) if mark else None


def _cells(title: str, given: Mapping[str, str]) -> dict[str, str]:
    return {column.field: given.get(column.field, "").strip() for column in form_columns(SHEET[title])}


def _form(
    viewer: Viewer,
    title: str,
    store: Store,
    found: Entry | None,
    cells: Mapping[str, Any],
    told: list[str] | None = None,
) -> str:
    history = store.trail.of_subject(found.subject) if found else []
    return render_template(
        "register_row.html", title=title, columns=form_columns(SHEET[title]), cells=cells, entry=found, told=told or [],
        history=history, may_edit=viewer.may(editing(title)), rules=RULE_DEFAULTS if title == RULES else {},
        key=SHEET[title].key,
    )  # fmt: skip
