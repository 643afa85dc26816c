"""What every object store has in common."""

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
    """What the store could not do, in words for an operator; `transient` if it may be tried again later."""

    def __init__(self, reason: str, transient: bool = True) -> None:
        super().__init__(reason)
        self.transient = transient


class ObjectMissing(ObjectError):
    """There is no object under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no object {key!r}", transient=False)


class ObjectConflict(ObjectError):
    """Other bytes stand under this key already: a key is written once."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} holds other bytes already", transient=False)


@dataclass(frozen=True)
class ObjectStat:
    """`size` in bytes; `sha256` in hex as noted when the object was kept, None where the store notes none."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class S3Settings:
    """How to reach an S3-compatible store; what is None is left to the AWS defaults."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None  # a file of certificates to trust, for a store with a certificate of its own


class Spool:
    """A film while it is being received: a temporary file, and what is known of it so far."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self.path, self.size = path, 0
        self._file, self._hash = file, hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Adds to the end. Raises ObjectError if the disk is full or failing."""
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise ObjectError(f"cannot write to {self.path}: {error.strerror}") from error
        self._hash.update(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """Digest in hex of all that has been written so far."""
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Waits until all of it is on the disk. Raises OSError."""
        os.fsync(self._file.fileno())


class ObjectStore(Protocol):
    """Keeps whole objects under keys such as 2026-11-24/E001/1/1124-0001.mp4.

    Every method may be called from many threads and raises ObjectError; keys that would leave the store are refused.
    """

    def spool(self) -> AbstractContextManager[Spool]:
        """A place to receive into; what was not kept is gone at the end of the block."""

    def save(self, spool: Spool, key: str) -> None:
        """Makes the spooled bytes durable under `key` before it returns, whole or not at all.

        A key is written once: the same bytes again are as good as kept, others raise ObjectTaken.
        """

    def open(self, key: str) -> BinaryIO:
        """To be read again and closed. Raises ObjectMissing; reading may raise ObjectError or OSError."""

    def stat(self, key: str) -> ObjectStat | None:
        """None if there is no such object."""

    def remove(self, key: str) -> None:
        """Also if there is no such object."""

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """An address from which anyone may fetch it for so long; None if the store cannot hand it out by itself."""

    def free_bytes(self) -> int | None:
        """Room left; None if the store does not say."""

    def check(self) -> None:
        """Puts, reads and removes a small object. Raises ObjectError with what to mend."""


def check_key(key: str) -> str:
    """The key itself. Raises ObjectError for one that no store of ours should have to interpret."""
    names = key.split("/")
    odd = any(name in ("", ".", "..") or len(name.encode(errors="replace")) > MAX_NAME_BYTES for name in names)
    if odd or "\0" in key or "\\" in key or key.startswith(".") or len(key.encode(errors="replace")) > MAX_KEY_BYTES:
        raise ObjectError(f"{key!r} cannot be a key", transient=False)
    return key


def check_round_trip(store: ObjectStore, key: str) -> None:
    """Puts, reads and removes an object; what `check` does in every store."""
    with store.spool() as spool:
        spool.write(b"probe")
        store.save(spool, key)
    with store.open(key) as found:
        same = found.read() == b"probe"
    store.remove(key)
    if not same:
        raise ObjectError("the store does not give back what was put into it")


@contextmanager
def open_spool(directory: Path | None) -> Iterator[Spool]:
    """A spool file in `directory` (default: the system's); unbuffered, so that closing it cannot fail."""
    try:
        number, name = tempfile.mkstemp(prefix="film-", dir=directory)
    except OSError as error:
        raise ObjectError(f"cannot spool: {error}") from error
    try:
        with FileIO(number, "wb") as file:
            yield Spool(file, Path(name))
    finally:
        Path(name).unlink(missing_ok=True)
