"""Objects as files in a directory: what one machine needs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from storage.objects.interface import (
    ObjectConflict,
    ObjectError,
    ObjectMissing,
    ObjectStat,
    Spool,
    check_key,
    check_round_trip,
    open_spool,
)

SPOOL_DIRECTORY = ".spool"  # inside the root: a rename is whole only within one file system
MAX_SPOOL_AGE_S = 24 * 3600
DIRECTORY_MODE = 0o700
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


class DirectoryStore:
    """Files under a root, readable by their owner only. A key is a path below the root."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()
        self._spool = self._root / SPOOL_DIRECTORY
        with self._plainly("use", self._root):
            self._root.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
            self._spool.mkdir(DIRECTORY_MODE, exist_ok=True)
            self._sweep()

    def spool(self) -> AbstractContextManager[Spool]:
        """A file in the spool directory."""
        return open_spool(self._spool)

    def save(self, spool: Spool, key: str) -> None:
        """Sync, link, sync the directories: in this order there is never a half object, and a link replaces nothing."""
        target = self._path(key)
        directories = [self._root / parent for parent in reversed(Path(key).parents)]
        with self._plainly("keep", target):
            spool.sync()
            for directory in directories:
                directory.mkdir(DIRECTORY_MODE, exist_ok=True)
            self._put(spool, target, key)
            for directory in directories:  # all of them: another thread may have made one a moment ago
                _sync_directory(directory)

    def _put(self, spool: Spool, target: Path, key: str) -> None:
        try:
            os.link(spool.path, target)
        except FileExistsError:
            with target.open("rb") as kept:
                if hashlib.file_digest(kept, "sha256").hexdigest() != spool.sha256:
                    raise ObjectConflict(key) from None
        except OSError as error:
            # Some file systems know no links; there, two who are at one key at once both write it.
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise ObjectConflict(key) from None
            os.replace(spool.path, target)

    def open(self, key: str) -> BinaryIO:
        """A plain file, so it can be sought in."""
        try:
            with self._plainly("open", key):
                return self._path(key).open("rb")
        except ObjectError as error:
            if _is_missing(error.__cause__):
                raise ObjectMissing(key) from error
            raise

    def stat(self, key: str) -> ObjectStat | None:
        """The digest is not noted beside a file."""
        try:
            with self._plainly("look at", key):
                found = self._path(key).stat()
        except ObjectError as error:
            if _is_missing(error.__cause__):
                return None
            raise
        return ObjectStat(found.st_size, None) if S_ISREG(found.st_mode) else None

    def remove(self, key: str) -> None:
        """Directories that become empty stay; the next night does not mind."""
        with self._plainly("remove", key):
            self._path(key).unlink(missing_ok=True)

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """None: our own web serves the files."""
        return None

    def free_bytes(self) -> int | None:
        """What the file system leaves to us."""
        with self._plainly("look at", self._root):
            room = os.statvfs(self._root)
        return room.f_bavail * room.f_frsize

    def check(self) -> None:
        """Tries the directory."""
        check_round_trip(self, f"probe-{uuid.uuid4().hex}")

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _sweep(self) -> None:
        """Spool files of a process that was killed; younger ones may belong to another that is alive."""
        os.utime(self._spool)
        now = self._spool.stat().st_mtime  # by the clock of the file system, which dates the files
        for path in self._spool.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > MAX_SPOOL_AGE_S:
                    path.unlink()

    @staticmethod
    @contextlib.contextmanager
    def _plainly(what: str, where: object) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ObjectError(f"cannot {what} {where}: {error.strerror}") from error


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)


def _sync_directory(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
