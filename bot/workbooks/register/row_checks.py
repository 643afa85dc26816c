"""Checks between the cells of one row: a rule and its value, an item and its link or film."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bot.workbooks.register.result import CellError
from bot.workbooks.register.rule_kinds import RULE_KINDS
from bot.workbooks.register.schema import CONTENT, LINK, RULES, VIDEO

FieldErrors = list[tuple[str, CellError]]
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True)
class ContentFile:
    """A film beside the workbook, and its object key."""

    path: Path
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def object_key(self) -> str:
        """Contains the digest, so that the same film is stored once."""
        extension = self.path.suffix.lower().removeprefix(".")
        return f"content/{self.sha256}.{extension if _EXTENSION.fullmatch(extension) else 'bin'}"


def check_rule(values: dict[str, Any], _folder: Path) -> FieldErrors:
    """Check the name and the value of a rule; the value becomes its canonical text."""
    name = values["name"] = "".join(values["name"].split())
    if name not in RULE_KINDS:
        return [("name", CellError("register.unknown_rule", allowed="、".join(RULE_KINDS)))]
    try:
        values["value"] = RULE_KINDS[name].parse(values["value"])
    except CellError as problem:
        return [("value", problem)]
    # Without the column every value applies from the beginning.
    values.setdefault("effective_from", None)
    return []


def check_content(values: dict[str, Any], folder: Path) -> FieldErrors:
    """A link needs a URL, a film a URL or a file beside the workbook."""
    url, file = values.get("url"), values.get("file")
    kind = values["kind"] = values.get("kind") or (VIDEO if file else LINK)
    if kind == LINK and not url:
        return [("url", CellError("register.link_url_missing"))]
    if kind == LINK and file:
        return [("file", CellError("register.link_with_file"))]
    if kind == VIDEO and not url and not file:
        return [("file", CellError("register.film_source_missing"))]
    try:
        values["file"] = _content_file(file, folder) if file else None
    except CellError as problem:
        return [("file", problem)]
    return []


def _content_file(written: str, folder: Path) -> ContentFile:
    named = PurePosixPath(written.replace("\\", "/"))
    if named.is_absolute() or ".." in named.parts or re.match(r"[A-Za-z]:", written) or "\0" in written:
        raise CellError("register.file_outside")
    try:
        path = (folder / named).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise CellError("register.file_outside")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError:
        raise CellError("register.file_missing") from None
    if not size:
        raise CellError("register.file_empty")
    return ContentFile(folder / named, digest, size)


ROW_CHECKS: dict[str, Callable[[dict[str, Any], Path], FieldErrors]] = {RULES: check_rule, CONTENT: check_content}
