"""Files of documents as people upload them: kept in the object store under their digest, never opened here."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from werkzeug.datastructures import FileStorage

from bot.web.dashboard.film_access import FilmAccess
from handlers.inspections.documents import StoredFile
from storage.errors import OperationRefused

# A scan of some pages has one or two megabytes.
MAX_FILE_BYTES = 20 * 1024 * 1024
_MAX_NAME = 80
# How files of the accepted kinds begin.
_BEGINNINGS = {"pdf": b"%PDF-", "jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "docx": b"PK\x03\x04"}
# Names of the members of a zip archive stand in it as they are; every docx has this one.
_MEMBER_OF_DOCX = b"word/document.xml"


def keep_file(upload: FileStorage | None, film_access: FilmAccess) -> StoredFile | None:
    """Store an uploaded file; None where none was chosen. Raises OperationRefused."""
    if upload is None or not upload.filename:
        return None
    film_access.reserve.check()
    content = upload.read()
    suffix = _suffix(content)
    if suffix is None:
        raise OperationRefused("inspections.file_unfit")
    with film_access.objects.spool() as spool:
        spool.write(content)
        key = f"documents/{spool.sha256}.{suffix}"
        film_access.objects.save(spool, key)
        return StoredFile(_name(upload.filename, suffix), key, spool.sha256)


def _suffix(content: bytes) -> str | None:
    """What the content is, whatever its name says."""
    suffix = next((name for name, beginning in _BEGINNINGS.items() if content.startswith(beginning)), None)
    return None if suffix == "docx" and _MEMBER_OF_DOCX not in content else suffix


def _name(given: str, suffix: str) -> str:
    """A name for the download: the given one without its folders, with the suffix of the content."""
    stem = PurePosixPath(given.replace("\\", "/")).stem
    printable = "".join(each for each in stem if unicodedata.category(each)[0] != "C").strip(" .")
    return f"{printable[:_MAX_NAME] or 'document'}.{suffix}"
