"""The page on which a workbook is imported: what it would change is shown first, and imported once confirmed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, abort, render_template, request

from bot.texts import say
from bot.web.dashboard.authorization import requires_permission
from bot.web.dashboard.film_access import FilmAccess
from bot.web.parameters import number_argument, text_argument
from bot.workbooks.register.result import ImportResult
from handlers.permissions import Viewer
from storage.objects import ObjectMissing, ObjectStore

# Ten thousand rows are half a megabyte; anything larger is imported by the command.
_MAX_WORKBOOK_BYTES = 4 * 1024 * 1024
_PAGE_SIZE = 200


@dataclass(frozen=True)
class ImportPage:
    """A kind of workbook. `run` reads a file: without the digest of a preview it only says what it would change.

    With it, the file is imported if it still changes what that preview showed.
    """

    path: str
    action: str
    template: str
    run: Callable[[Path, Viewer, str | None], ImportResult]

    def read(self, content: bytes, viewer: Viewer, confirmed: str | None = None) -> ImportResult:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "workbook.xlsx"
            file.write_bytes(content)
            return self.run(file, viewer, confirmed)

    def render(self, result: ImportResult | None, digest: str = "", file_name: str = "", offset: int = 0) -> str:
        return render_template(
            self.template,
            path=self.path,
            result=result,
            error="" if result else say("import_page.no_file") if request.method == "POST" else "",
            digest=digest,
            file_name=file_name,
            offset=offset,
            page_size=_PAGE_SIZE,
            changes=result.changes[offset : offset + _PAGE_SIZE] if result else [],
        )


def add_import_page(pages: Blueprint, page: ImportPage, film_access: FilmAccess) -> None:
    """The form, the preview from any change on, and the confirmation."""
    _add_preview(pages, page, film_access)
    _add_further_changes(pages, page, film_access.objects)
    _add_confirmation(pages, page, film_access.objects)


def _add_preview(pages: Blueprint, page: ImportPage, film_access: FilmAccess) -> None:
    @pages.get(page.path)
    @requires_permission(page.action)
    def show_form(viewer: Viewer) -> str:
        return page.render(None)

    @pages.post(page.path)
    @requires_permission(page.action, max_body_bytes=_MAX_WORKBOOK_BYTES)
    def preview(viewer: Viewer) -> str | tuple[str, int]:
        """Store the workbook and show what its import would do; the confirmation imports the stored bytes."""
        film_access.reserve.check()
        file = request.files.get("file")
        if file is None or not file.filename:
            return page.render(None), 422
        content = file.read()
        digest = hashlib.sha256(content).hexdigest()
        with film_access.objects.spool() as spool:
            spool.write(content)
            film_access.objects.save(spool, _key(digest))
        return page.render(page.read(content, viewer), digest, file.filename)


def _add_further_changes(pages: Blueprint, page: ImportPage, objects: ObjectStore) -> None:
    @pages.get(f"{page.path}/<digest>")
    @requires_permission(page.action)
    def show_more(viewer: Viewer, digest: str) -> str:
        """The preview again, from a later change on."""
        result = page.read(_stored(objects, digest), viewer)
        return page.render(result, digest, text_argument("name"), number_argument("from") or 0)


def _add_confirmation(pages: Blueprint, page: ImportPage, objects: ObjectStore) -> None:
    @pages.post(f"{page.path}/<digest>")
    @requires_permission(page.action)
    def confirm(viewer: Viewer, digest: str) -> str | tuple[str, int]:
        result = page.read(_stored(objects, digest), viewer, request.form.get("preview", ""))
        shown = page.render(result, digest)
        return shown if result.applied else (shown, 422)


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
