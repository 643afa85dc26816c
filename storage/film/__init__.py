"""Is it a film, how long is it, and what is in it?

__init__.py   examine(path) -> Film: the only name others need
helper.py     our end of the process in which FFmpeg runs
child.py      the other end: one short-lived process with limits per film
look.py       what FFmpeg finds; the only module that imports PyAV
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from storage.film import helper


@dataclass(frozen=True)
class Film:
    """What was found in a file; `fault` is None for a film that can be played to its end.

    Faults: "empty" (no bytes), "not_a_film" (something else, whatever its name), "truncated" (ends before it says),
    "no_picture" (only sound), "unreadable" (cannot be decoded, or exhausts time or memory).
    `duration_s` is the time in seconds for which there really are pictures; sizes are in pixels as coded.
    """

    duration_s: float | None = None
    container: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fault: str | None = None


def examine(path: Path, patience_s: float = 30.0) -> Film:
    """Reads every packet of a file and decodes its first picture, in a process of its own, within `patience_s` seconds.

    May be called from many threads. Whatever is wrong with the film is in its `fault`. Raises OSError when the film
    could not be examined for a reason that is not its own (no such file, no helper process); try again later.
    """
    if path.stat().st_size == 0:
        return Film(fault="empty")
    request = json.dumps([os.path.abspath(path), patience_s]).encode()
    return Film(**json.loads(helper.ask(request, patience_s)))
