"""Object store in a directory, for one machine."""

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

SPOOL_DIRECTORY = ".spool"  # inside the root, because links and renames work only within one file system
MAX_SPOOL_AGE_S = 24 * 3600
DIRECTORY_MODE = 0o700
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


class DirectoryStore:
    """A key is a path below the root; all files and directories are readable by their owner only."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).absolute()
        self._spool = self._root / SPOOL_DIRECTORY
        with _translate_errors("use", self._root):
            self._root.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
            self._spool.mkdir(DIRECTORY_MODE, exist_ok=True)
            self._delete_stale_spools()

    def spool(self) -> AbstractContextManager[Spool]:
        return open_spool(self._spool)

    def save(self, spool: Spool, key: str) -> None:
        """Sync the file, link it, sync the directories: so no partial object is visible, and nothing is replaced."""
        target = self._path(key)
        directories = [self._root / parent for parent in reversed(Path(key).parents)]
        with _translate_errors("store", target):
            spool.sync()
            for directory in directories:
                directory.mkdir(DIRECTORY_MODE, exist_ok=True)
            self._put(spool, target, key)
            for directory in directories:  # all, because another thread may have just created one
                _sync_directory(directory)

    def _put(self, spool: Spool, target: Path, key: str) -> None:
        try:
            os.link(spool.path, target)
        except FileExistsError:
            with target.open("rb") as stored:
                if hashlib.file_digest(stored, "sha256").hexdigest() != spool.sha256:
                    raise ObjectConflict(key) from None
        except OSError as error:
            # Some file systems have no hard links. There, two concurrent writers of one key can both succeed.
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():
                raise ObjectConflict(key) from None
            os.replace(spool.path, target)

    def open(self, key: str) -> BinaryIO:
        try:
            with _translate_errors("open", key):
                return self._path(key).open("rb")
        except ObjectError as error:
            if _is_missing(error.__cause__):
                raise ObjectMissing(key) from error
            raise

    def stat(self, key: str) -> ObjectStat | None:
        """Without a digest: none is stored beside the file."""
        try:
            with _translate_errors("read", key):
                status = self._path(key).stat()
        except ObjectError as error:
            if _is_missing(error.__cause__):
                return None
            raise
        return ObjectStat(status.st_size, None) if S_ISREG(status.st_mode) else None

    def remove(self, key: str) -> None:
        """Leaves empty directories."""
        with _translate_errors("remove", key):
            self._path(key).unlink(missing_ok=True)

    def presigned_url(self, key: str, seconds: int, filename: str) -> str | None:
        """None: the web service serves the files."""
        return None

    def free_bytes(self) -> int | None:
        """Free space for unprivileged users."""
        with _translate_errors("read", self._root):
            status = os.statvfs(self._root)
        return status.f_bavail * status.f_frsize

    def check(self) -> None:
        check_round_trip(self, f"probe-{uuid.uuid4().hex}")

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _delete_stale_spools(self) -> None:
        """Delete spool files of killed processes; recent ones may belong to a process that is alive."""
        os.utime(self._spool)
        now = self._spool.stat().st_mtime  # by the file system's clock, which also dates the files
        for path in self._spool.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > MAX_SPOOL_AGE_S:
                    path.unlink()


@contextlib.contextmanager
def _translate_errors(action: str, target: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ObjectError(f"cannot {action} {target}: {error.strerror}") from error


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
