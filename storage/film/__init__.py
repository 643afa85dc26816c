"""Is it a film, how long is it, and what is in it?

__init__.py   examine(path) -> Film, picture(…), marked(…): the only names others need
helper.py     our end of the process in which FFmpeg runs
child.py      the other end: one short-lived process with limits per film
look.py       what FFmpeg finds
draw.py       pictures out of a film
mark.py       a copy that bears somebody's name in every picture
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.film import client


@dataclass(frozen=True)
class ProbeResult:
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


def probe_film(path: Path, timeout_s: float = 30.0) -> ProbeResult:
    """Reads every packet of a file and decodes its first picture, in a process of its own, within `patience_s` seconds.

    May be called from many threads. Whatever is wrong with the film is in its `fault`. Raises OSError when the film
    could not be examined for a reason that is not its own (no such file, no helper process); try again later.
    """
    if path.stat().st_size == 0:
        return ProbeResult(fault="empty")
    return ProbeResult(**_asked("probe", timeout_s, os.path.abspath(path)))


class PictureError(Exception):
    """No picture can be had of this film."""


def extract_picture(path: Path, target: Path, kind: str, at_s: float | None = None, timeout_s: float = 30.0) -> None:
    """Draw a JPEG of a film: `thumb`, `sheet` (twelve pictures with their times), or `still` at an instant.

    Raises CannotDraw when the film does not give it, OSError for a reason that is not the film's own.
    """
    more = [at_s or 0.0] if kind == "still" else []
    _made(_asked(kind, timeout_s, os.path.abspath(path), os.path.abspath(target), *more))


def write_watermarked_copy(path: Path, target: Path, text: str, timeout_s: float = 300.0) -> None:
    """Write a copy of a film as MP4 that bears these words in every picture. Raises as `picture` does."""
    _made(_asked("watermark", timeout_s, os.path.abspath(path), os.path.abspath(target), text))


def _asked(task: str, patience_s: float, *args: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.request(json.dumps([task, patience_s, *args]).encode(), patience_s))
    return answer


def _made(answer: dict[str, Any]) -> None:
    if answer["fault"] is not None:
        raise PictureError(answer["fault"])
