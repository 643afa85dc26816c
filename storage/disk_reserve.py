"""The free space that is kept for callbacks, the database and films from the chat.

Uploads, images, copies and workbooks can wait, so they are refused while less is left. A user who fills the disk
through a page cannot stop the service from receiving.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from storage.objects import ObjectError, ObjectStore


class OutOfSpace(ObjectError):
    """The disk has no more free space than the reserve."""


class DiskReserve:
    """`size` in bytes; `folders` are further places, besides the object store, whose disk must keep so much free."""

    def __init__(self, objects: ObjectStore, size: int, folders: Sequence[Path] = ()) -> None:
        self.size, self._objects, self._folders = size, objects, tuple(folders)

    def free_bytes(self) -> int | None:
        """The free space of the fullest disk; None where none can tell. Raises ObjectError."""
        try:
            disks = [os.statvfs(folder) for folder in self._folders]
        except OSError as error:
            raise ObjectError(f"cannot tell the free space: {error.strerror}") from error
        free = [self._objects.free_bytes(), *(disk.f_bavail * disk.f_frsize for disk in disks)]
        return min((each for each in free if each is not None), default=None)

    def is_reached(self) -> bool:
        """Whether what can wait is refused at present. Raises ObjectError."""
        free = self.free_bytes()
        return free is not None and free < self.size

    def check(self, needed: int = 0) -> None:
        """Raise OutOfSpace if less than the reserve would be left after `needed` more bytes; or ObjectError."""
        free = self.free_bytes()
        if free is not None and free - needed < self.size:
            raise OutOfSpace(f"{free} bytes are free, and {self.size} of them are reserved")
