"""The workbook in and out on the desk: looked at first, then taken as it was shown."""

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
from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.export import build_workbook
from bot.workbooks.register.parse import parse_register
from bot.workbooks.register.result import ImportResult
from bot.workbooks.register.rows import register_rows
from handlers.films import release_quarantined_films
from handlers.permissions import Viewer
from schedules.context import Context
from storage.objects import ObjectConflict, ObjectMissing, ObjectStore

# Ten thousand rows are half a megabyte.
_LARGEST = 16 * 1024 * 1024
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint(uow: UnitOfWork, film_access: FilmAccess) -> Blueprint:
    """/import, its preview and its confirmation; /export."""
    pages = Blueprint("workbook_import", __name__)
    _add_look(pages, uow, film_access.objects)
    _add_confirmation(pages, uow, film_access.objects)
    _add_export(pages, uow)
    return pages


def _add_look(pages: Blueprint, memory: UnitOfWork, objects: ObjectStore) -> None:
    @pages.get("/import")
    @requires_permission("register.edit")
    def ask(viewer: Viewer) -> str:
        return render_template("workbook_import.html", result=None)

    @pages.post("/import")
    @requires_permission("register.edit", max_body_bytes=_LARGEST)
    def preview(viewer: Viewer) -> str | tuple[str, int]:
        """What is shown is what was kept: it is taken later just as it was looked at."""
        file = request.files.get("file")
        if file is None or not file.filename:
            return render_template("workbook_import.html", result=None, error=say("import_page.no_file")), 422
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        with objects.spool() as spool:
            spool.write(content)
            with suppress(ObjectConflict):  # the same workbook was looked at before
                objects.save(spool, _key(digest))
        outcome = _take(content, memory, objects, viewer.name, dry_run=True)
        return render_template("workbook_import.html", result=outcome, digest=digest, file_name=file.filename)


def _add_confirmation(pages: Blueprint, memory: UnitOfWork, objects: ObjectStore) -> None:
    @pages.post("/import/<digest>")
    @requires_permission("register.edit")
    def confirm(viewer: Viewer, digest: str) -> str:
        try:
            with objects.open(_key(digest)) as kept:
                content = kept.read()
        except ObjectMissing:
            abort(404)
        outcome = _take(content, memory, objects, viewer.name, dry_run=False)
        return render_template("workbook_import.html", result=outcome, digest=digest, file_name=None)


def _add_export(pages: Blueprint, memory: UnitOfWork) -> None:
    @pages.get("/export")
    @requires_permission("register.see")
    def export(viewer: Viewer) -> Response:
        with memory.read() as store:
            cells = register_rows(store)
        if not viewer.may("register.edit"):  # whoever only reads has no use for a robot's key
            cells["群"] = [{**row, "robot_key": None} for row in cells["群"]]
        made = BytesIO()
        build_workbook(cells).save(made)
        made.seek(0)
        return send_file(made, mimetype=_WORKBOOK, as_attachment=True, download_name=say("import_page.file_name"))


def _key(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        abort(404)
    return f"imports/{digest}.xlsx"


def _take(content: bytes, memory: UnitOfWork, objects: ObjectStore, actor: str, *, dry_run: bool) -> ImportResult:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        path.write_bytes(content)
        parsed = parse_register(path)
    now = memory.clock.now()
    with memory.transaction() as store:
        outcome = apply_register(parsed, store, objects, now, dry_run=dry_run, actor=actor)
        if outcome.applied:
            release_quarantined_films(Context(store, memory.rules(store), now))
    return outcome
