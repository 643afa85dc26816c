"""The films of the library, written beside an exported workbook."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bot.texts import say
from bot.workbooks.register.rows import content_items
from storage.db.models import ContentItem
from storage.objects import ObjectError, ObjectStore
from storage.store import Store

CHUNK_BYTES = 1 << 20


def export_films(store: Store, objects: ObjectStore, workbook_path: Path) -> tuple[dict[int, str], list[str]]:
    """Id of an item -> path beside the workbook, and a sentence for every film that could not be read whole."""
    folder = f"{workbook_path.stem}-文件"
    names: dict[int, str] = {}
    complaints = []
    taken: dict[str, str | None] = {}
    for item in content_items(store):
        if item.object_key is None:
            continue
        names[item.id] = name = _name(item, folder, taken)
        if not _write(item, objects, workbook_path.parent / name):
            complaints.append(say("register.object_missing", title=item.title, file=name))
    return names, complaints


def _name(item: ContentItem, folder: str, taken: dict[str, str | None]) -> str:
    """The film's own name; another film of that name goes into a folder of its own."""
    own = Path(item.file_name or "").name or Path(item.object_key or "").name
    if taken.setdefault(own.casefold(), item.sha256) == item.sha256:
        return f"{folder}/{own}"
    return f"{folder}/{(item.sha256 or '')[:16]}/{own}"


def _write(item: ContentItem, objects: ObjectStore, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with objects.open(item.object_key or "") as source, target.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
    except ObjectError:
        return False
    return digest.hexdigest() == item.sha256
