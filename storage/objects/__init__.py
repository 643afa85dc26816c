"""Object stores for films: a directory, or any S3-compatible store.

ObjectError          the reason in words; `transient` says whether a retry can help
├── ObjectMissing    there is no object with this key
└── ObjectConflict   the key holds other bytes already
"""

from __future__ import annotations

from storage.objects.directory import DirectoryStore
from storage.objects.interface import (
    ObjectConflict,
    ObjectError,
    ObjectMissing,
    ObjectStat,
    ObjectStore,
    S3Settings,
    Spool,
)
from storage.objects.s3 import S3Store

__all__ = [
    "ObjectConflict",
    "ObjectError",
    "ObjectMissing",
    "ObjectStat",
    "ObjectStore",
    "S3Settings",
    "Spool",
    "open_object_store",
]


def open_object_store(url: str, s3: S3Settings | None = None) -> ObjectStore:
    """The store at file:relative/path, file:///absolute/path or s3://bucket/prefix. Raises ValueError for others.

    Creates a missing directory (ObjectError if that fails); S3 is not contacted before the first use.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme == "file" and (path := _path(rest)):
        return DirectoryStore(path)
    bucket, _, prefix = rest.removeprefix("//").partition("/")
    if colon and scheme == "s3" and rest.startswith("//") and bucket:
        return S3Store(bucket, prefix.strip("/"), s3 or S3Settings())
    raise ValueError(f"{url!r} is neither file:PATH nor s3://BUCKET/PREFIX")


def _path(rest: str) -> str:
    """Empty for `file://host/…`, which the caller refuses."""
    if rest.startswith("//"):
        return rest[2:] if rest.startswith("///") else ""
    return rest
