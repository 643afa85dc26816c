"""The interface of the object stores, their errors, and the spool files that all of them use."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

MAX_KEY_BYTES, MAX_NAME_BYTES = 1024, 255


class ObjectError(Exception):
    """The message is for operators; `transient` if a retry can help."""

    def __init__(self, reason: str, transient: bool = True) -> None:
        super().__init__(reason)
        self.transient = transient


class ObjectMissing(ObjectError):
    """There is no object with this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no object {key!r}", transient=False)


class ObjectConflict(ObjectError):
    """The key holds other bytes already; a key is written once."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} holds other bytes already", transient=False)


@dataclass(frozen=True)
class ObjectStat:
    """`size` in bytes; `sha256` in hex as stored with the object, None if the store has none."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class S3Settings:
    """How to reach an S3-compatible store; None means the AWS default."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None  # certificates to trust, for a store with a private CA


class Spool:
    """A temporary file for an object that is being received, with its size in bytes so far."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self.path, self.size = path, 0
        self._file, self._hash = file, hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Append. Raises ObjectError if the disk is full or failing."""
        try:
            remaining = memoryview(chunk)
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError as error:
            raise ObjectError(f"cannot write to {self.path}: {error.strerror}") from error
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """The digest in hex of what has been written so far."""
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Wait until everything is on the disk. Raises OSError."""
        os.fsync(self._file.fileno())


class ObjectStore(Protocol):
    """Stores immutable objects under keys such as 2026-11-24/E001/1/1124-0001.mp4.

    All methods are thread-safe and raise ObjectError. Keys that would leave the store are refused.
    """

    def spool(self) -> AbstractContextManager[Spool]:
        """A file to receive into; deleted at the end of the block."""

    def save(self, spool: Spool, key: str) -> None:
        """Store the spooled bytes durably and atomically before returning.

        A key is written once: saving the same bytes again succeeds, other bytes raise ObjectConflict.
        """

    def open(self, key: str) -> BinaryIO:
        """The caller must close it. Raises ObjectMissing; reading may raise ObjectError or OSError."""

    def stat(self, key: str) -> ObjectStat | None:
        """None if there is no such object."""

    def remove(self, key: str) -> None:
        """Succeeds also if there is no such object."""

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """A URL from which anyone can fetch the object for `seconds`; None if the store serves no URLs."""

    def free_bytes(self) -> int | None:
        """None if the store does not report it."""

    def check(self) -> None:
        """Write, read and remove a small object. Raises ObjectError with the cause."""


def check_key(key: str) -> str:
    """The key itself. Raises ObjectError for a key that is unsafe or ambiguous in one of the stores."""
    names = key.split("/")
    size = len(key.encode(errors="replace"))
    invalid = any(name in ("", ".", "..") or len(name.encode(errors="replace")) > MAX_NAME_BYTES for name in names)
    if invalid or "\0" in key or "\\" in key or key.startswith(".") or size > MAX_KEY_BYTES:
        raise ObjectError(f"{key!r} cannot be a key", transient=False)
    return key


def check_round_trip(store: ObjectStore, key: str) -> None:
    """The `check` of every store."""
    with store.spool() as spool:
        spool.write(b"probe")
        store.save(spool, key)
    with store.open(key) as stored:
        is_same = stored.read() == b"probe"
    store.remove(key)
    if not is_same:
        raise ObjectError("the store returns other bytes than were written")


@contextmanager
def open_spool(directory: Path | None) -> Iterator[Spool]:
    """A spool file in `directory` (None = the system's); unbuffered, so that closing it cannot fail."""
    try:
        number, name = tempfile.mkstemp(prefix="film-", dir=directory)
    except OSError as error:
        raise ObjectError(f"cannot spool: {error}") from error
    try:
        with FileIO(number, "wb") as file:
            yield Spool(file, Path(name))
    finally:
        Path(name).unlink(missing_ok=True)
