"""Stored films read again and compared with what was noted when they came: altered, absent, or as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from storage.db.models import Submission
from storage.objects import ObjectMissing, ObjectStore

_PIECE = 1024 * 1024


@dataclass
class IntegrityResult:
    """What came of it: `altered` and `absent` name receipt and object key (the contract's form)."""

    checked: int = 0
    ok: int = 0
    altered: list[dict[str, str]] = field(default_factory=list)
    absent: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether everything that was read is as it came."""
        return self.ok == self.checked

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return vars(self)


def verify_films(films: Iterable[Submission], objects: ObjectStore) -> IntegrityResult:
    """Read every object of these films again, in bounded memory. Raises ObjectError when the store does not answer."""
    found = IntegrityResult()
    for film in films:
        if film.object_key is None:
            continue
        found.checked += 1
        named = {"receipt": film.receipt, "object_key": film.object_key}
        try:
            digest, size = _read(film.object_key, objects)
        except ObjectMissing:
            found.absent.append(named)
            continue
        if (digest, size) == (film.sha256, film.bytes):
            found.ok += 1
        else:
            found.altered.append(named)
    return found


def _read(key: str, objects: ObjectStore) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with objects.open(key) as content:
        while piece := content.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size
