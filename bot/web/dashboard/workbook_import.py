"""Import of the register workbook, previewed first and then confirmed, and its export."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from flask import Blueprint, abort, render_template, request, send_file
from werkzeug.wrappers import Response

from bot.texts import say
from bot.unit_of_work import UnitOfWork
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.parameters import number_argument, text_argument
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
from storage.objects import ObjectConflict, ObjectMissing, ObjectStore

# Ten thousand rows are half a megabyte; anything larger is imported by the command.
_MAX_WORKBOOK_BYTES = 4 * 1024 * 1024
_PAGE_SIZE = 200
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/import, its template, preview and confirmation, and /export."""
    pages = Blueprint("workbook_import", __name__)
    _add_preview(pages, uow, film_access)
    _add_further_changes(pages, uow, film_access.objects)
    _add_confirmation(pages, uow, film_access.objects)
    _add_export(pages, uow, film_access)
    return pages


def _add_preview(pages: Blueprint, uow: UnitOfWork, film_access: FilmAccess) -> None:
    objects = film_access.objects

    @pages.get("/import")
    @requires_permission("register.edit")
    def show_form(viewer: Viewer) -> str:
        return render_template("workbook_import.html", result=None)

    @pages.post("/import")
    @requires_permission("register.edit", max_body_bytes=_MAX_WORKBOOK_BYTES)
    def preview(viewer: Viewer) -> str | tuple[str, int]:
        """Store the workbook and show what its import would do; the confirmation imports the stored bytes."""
        film_access.reserve.check()
        file = request.files.get("file")
        if file is None or not file.filename:
            return render_template("workbook_import.html", result=None, error=say("import_page.no_file")), 422
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        with objects.spool() as spool:
            spool.write(content)
            with suppress(ObjectConflict):  # the same workbook was previewed before
                objects.save(spool, _key(digest))
        result = _import(content, uow, objects, viewer, dry_run=True)
        return _result_page(result, digest, file.filename)


def _add_further_changes(pages: Blueprint, uow: UnitOfWork, objects: ObjectStore) -> None:
    @pages.get("/import/<digest>")
    @requires_permission("register.edit")
    def show_more(viewer: Viewer, digest: str) -> str:
        """The preview again, from a later change on."""
        result = _import(_stored(objects, digest), uow, objects, viewer, dry_run=True)
        return _result_page(result, digest, text_argument("name"), number_argument("from") or 0)


def _add_confirmation(pages: Blueprint, uow: UnitOfWork, objects: ObjectStore) -> None:
    @pages.post("/import/<digest>")
    @requires_permission("register.edit")
    def confirm(viewer: Viewer, digest: str) -> str:
        result = _import(_stored(objects, digest), uow, objects, viewer, dry_run=False)
        return _result_page(result, digest)


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


def _result_page(result: ImportResult, digest: str, file_name: str = "", offset: int = 0) -> str:
    return render_template(
        "workbook_import.html",
        result=result,
        digest=digest,
        file_name=file_name,
        offset=offset,
        page_size=_PAGE_SIZE,
        changes=result.changes[offset : offset + _PAGE_SIZE],
    )


def _stored(objects: ObjectStore, digest: str) -> bytes:
    """The workbook that was previewed; 404 where there is none."""
    try:
        with objects.open(_key(digest)) as file:
            return file.read()
    except ObjectMissing:
        abort(404)


def _key(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        abort(404)
    return f"imports/{digest}.xlsx"


def _import(content: bytes, uow: UnitOfWork, objects: ObjectStore, viewer: Viewer, *, dry_run: bool) -> ImportResult:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        path.write_bytes(content)
        parsed = parse_register(path)
    now = uow.clock.now()
    with uow.transaction() as store:
        may_appoint = viewer.may("people.appoint")
        result = apply_register(
            parsed, store, objects, now, dry_run=dry_run, actor=viewer.name, may_appoint=may_appoint
        )
        if result.applied:
            complete_register_change(result.new_bindings, Context(store, uow.rules(store), now))
    return result
