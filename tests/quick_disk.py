"""Where the tests put their files: in memory, where that is to be had, for they wait for a disk many thousand times.

That what is promised to be on the disk really is, is tested by killing processes, which memory outlives as well.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PLACE, _ROOM = Path("/dev/shm"), 6 * 1024**3


def settle() -> None:
    """From here on temporary files lie there, for this process and those it starts; a place that was chosen stays."""
    if "TMPDIR" in os.environ or not _fits():
        return
    os.environ["TMPDIR"] = tempfile.tempdir = str(_PLACE)


def _fits() -> bool:
    """Large enough, writable, and keeping the attributes that an object store writes beside its files."""
    if not _PLACE.is_dir() or not os.access(_PLACE, os.W_OK) or shutil.disk_usage(_PLACE).free < _ROOM:
        return False
    with tempfile.NamedTemporaryFile(dir=_PLACE) as probe:
        try:
            os.setxattr(probe.name, "user.probe", b"1")
        except OSError:
            return False
    return True
