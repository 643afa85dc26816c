"""Applies the sheet 内容, and stores its films."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from bot.workbooks.register.import_context import ImportContext, present_fields, update_fields
from bot.workbooks.register.parse import ParsedRegister, ParsedRow
from bot.workbooks.register.row_checks import ContentFile
from bot.workbooks.register.schema import CONTENT, IN_USE
from storage.db.models import ContentItem
from storage.objects import ObjectError, ObjectStore

CHUNK_BYTES = 1 << 20


def apply_content(context: ImportContext) -> None:
    """内容, by title and kind."""
    items = {(item.title, item.kind): item for item in context.store.session.scalars(select(ContentItem))}
    for row in context.rows(CONTENT):
        key = (row.get("title"), row.get("kind"))
        item = items.get(key)
        new = item is None
        if item is None:
            item = items[key] = ContentItem(title=key[0], kind=key[1], tags=[], added_at=context.now)
            context.store.session.add(item)
        old_url = item.url
        changed = update_fields(item, _values(row))
        if item.url != old_url:
            # The results of the link check were those of the old URL.
            item.checked_on = item.dead_since = item.detail = None
        context.result.sheet(CONTENT).count(new=new, changed=changed)


def _values(row: ParsedRow) -> dict[str, Any]:
    values = present_fields(row, ("url", "source", "tags", "planned_for"))
    if "use" in row.values:
        values["in_use"] = row.get("use") == IN_USE
    file: ContentFile | None = row.get("file")
    if "file" in row.values:
        values |= {
            "object_key": file.object_key if file else None,
            "file_name": file.name if file else None,
            "sha256": file.sha256 if file else None,
            "bytes": file.bytes if file else None,
        }
    return values


def store_files(parsed: ParsedRegister, objects: ObjectStore) -> None:
    """Store every film that is not in the object store yet. Raises ObjectError."""
    for file in {file.object_key: file for file in _files(parsed)}.values():
        held = objects.stat(file.object_key)
        if held is None or held.size != file.bytes:
            # An object of another size is damaged. Keys are written once, so it has to be removed first.
            objects.remove(file.object_key)
            _store_file(file, objects)


def _files(parsed: ParsedRegister) -> Iterator[ContentFile]:
    return (row.get("file") for row in parsed.rows(CONTENT) if row.get("file"))


def _store_file(file: ContentFile, objects: ObjectStore) -> None:
    with objects.spool() as spool:
        try:
            with file.path.open("rb") as source:
                while chunk := source.read(CHUNK_BYTES):
                    spool.write(chunk)
        except OSError as error:
            raise ObjectError(f"cannot read {file.path}: {error.strerror}") from error
        if spool.sha256 != file.sha256:
            raise ObjectError(f"{file.path} changed while it was being imported", transient=True)
        objects.save(spool, file.object_key)
