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
from bot.unit_of_work import Memory
from bot.web.dashboard.authorization import allowed
from bot.web.dashboard.film_access import Gallery
from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.export import register_book
from bot.workbooks.register.parse import read_register
from bot.workbooks.register.result import Outcome
from bot.workbooks.register.rows import register_cells
from handlers.films import recognise_strangers
from handlers.permissions import Viewer
from storage.objects import ObjectMissing, ObjectStore, ObjectTaken

# Ten thousand rows are half a megabyte.
_LARGEST = 16 * 1024 * 1024
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def blueprint(memory: Memory, gallery: Gallery) -> Blueprint:
    """/import, its preview and its confirmation; /export."""
    pages = Blueprint("imports", __name__)
    _add_look(pages, memory, gallery.objects)
    _add_confirmation(pages, memory, gallery.objects)
    _add_export(pages, memory)
    return pages


def _add_look(pages: Blueprint, memory: Memory, objects: ObjectStore) -> None:
    @pages.get("/import")
    @allowed("register.edit")
    def ask(viewer: Viewer) -> str:
        return render_template("import.html", outcome=None)

    @pages.post("/import")
    @allowed("register.edit", largest=_LARGEST)
    def preview(viewer: Viewer) -> str | tuple[str, int]:
        """What is shown is what was kept: it is taken later just as it was looked at."""
        file = request.files.get("file")
        if file is None or not file.filename:
            return render_template("import.html", outcome=None, told=say("import_page.no_file")), 422
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        with objects.spool() as spool:
            spool.write(content)
            with suppress(ObjectTaken):  # the same workbook was looked at before
                objects.keep(spool, _key(digest))
        outcome = _take(content, memory, objects, viewer.name, dry_run=True)
        return render_template("import.html", outcome=outcome, digest=digest, name=file.filename)


def _add_confirmation(pages: Blueprint, memory: Memory, objects: ObjectStore) -> None:
    @pages.post("/import/<digest>")
    @allowed("register.edit")
    def confirm(viewer: Viewer, digest: str) -> str:
        try:
            with objects.open(_key(digest)) as kept:
                content = kept.read()
        except ObjectMissing:
            abort(404)
        outcome = _take(content, memory, objects, viewer.name, dry_run=False)
        return render_template("import.html", outcome=outcome, digest=digest, name=None)


def _add_export(pages: Blueprint, memory: Memory) -> None:
    @pages.get("/export")
    @allowed("register.see")
    def export(viewer: Viewer) -> Response:
        with memory.reading() as store:
            cells = register_cells(store)
        if not viewer.may("register.edit"):  # whoever only reads has no use for a robot's key
            cells["群"] = [{**row, "robot_key": None} for row in cells["群"]]
        made = BytesIO()
        register_book(cells).save(made)
        made.seek(0)
        return send_file(made, mimetype=_WORKBOOK, as_attachment=True, download_name=say("import_page.file_name"))


def _key(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        abort(404)
    return f"imports/{digest}.xlsx"


def _take(content: bytes, memory: Memory, objects: ObjectStore, actor: str, *, dry_run: bool) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        path.write_bytes(content)
        parsed = read_register(path)
    now = memory.clock.now()
    with memory.transaction() as store:
        outcome = apply_register(parsed, store, objects, now, dry_run=dry_run, actor=actor)
        if outcome.applied:
            recognise_strangers(store, memory.book(store), now)
    return outcome
