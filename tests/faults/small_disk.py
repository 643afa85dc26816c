"""A disk of its own for the service, small enough to be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE = 1024 * 1024


class SmallDisk:
    """Filled by a file that only takes room."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ballast = folder, folder / "ballast"

    def fill(self, leaving_mb: int) -> None:
        """Take all room but so many megabytes."""
        with contextlib.suppress(OSError), self._ballast.open("ab") as file:
            while _free_bytes(self._folder) > leaving_mb * _PIECE:
                file.write(bytes(min(_PIECE, _free_bytes(self._folder) - leaving_mb * _PIECE)))
                file.flush()

    def free(self) -> None:
        """Give all room back."""
        self._ballast.unlink(missing_ok=True)


def _free_bytes(folder: Path) -> int:
    return os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk | None]:
    """Mount a disk of that size at the folder; None where this process may not mount."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
