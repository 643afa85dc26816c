"""Import of the register workbook, previewed first and then confirmed, and its export."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from flask import Blueprint, send_file
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.dashboard.import_page import ImportPage, add_import_page
from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.export import build_workbook
from bot.workbooks.register.parse import parse_register
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.rows import register_rows
from bot.workbooks.register.schema import GROUPS
from bot.workbooks.register.template import build_template
from bot.workbooks.styles import workbook_bytes
from handlers.bindings import complete_register_change
from handlers.permissions import Viewer
from schedules.context import Context
from storage.objects import ObjectStore

_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/import, its template, preview and confirmation, and /export."""
    pages = Blueprint("workbook_import", __name__)

    def run(file: Path, viewer: Viewer, confirmed: str | None) -> ImportResult:
        return _import(file, uow, film_access.objects, viewer, confirmed)

    _add_export(pages, uow, film_access)
    add_import_page(pages, ImportPage("/import", "register.edit", "workbook_import.html", run), film_access)
    return pages


def _add_export(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    @pages.get("/export")
    @requires_permission("register.see")
    def export(viewer: Viewer) -> Response:
        film_access.reserve.check()
        with uow.read() as store:
            rows = register_rows(store)
        if not viewer.may("register.edit"):  # the key suffices to post as the group's robot
            rows[GROUPS] = [{**row, "robot_key": None} for row in rows[GROUPS]]
        return _download(workbook_bytes(build_workbook(rows)), say("import_page.file_name"))

    @pages.get("/import/template")
    @requires_permission("register.edit")
    def template(viewer: Viewer) -> Response:
        return _download(workbook_bytes(build_template()), say("import_page.template_file_name"))


def _download(workbook: bytes, name: str) -> Response:
    return send_file(BytesIO(workbook), mimetype=_WORKBOOK_TYPE, as_attachment=True, download_name=name)


def _import(file: Path, uow: UnitOfWork, objects: ObjectStore, viewer: Viewer, confirmed: str | None) -> ImportResult:
    parsed, now = parse_register(file), uow.clock.now()
    with uow.transaction() as store:
        result = apply_register(
            parsed,
            store,
            objects,
            now,
            confirmed=confirmed,
            dry_run=confirmed is None,
            actor=viewer.name,
            may_appoint=viewer.may("people.appoint"),
        )
        if result.applied:
            complete_register_change(result.new_bindings, Context(store, uow.rules(store), now))
    return result
