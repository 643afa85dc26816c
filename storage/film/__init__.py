"""Probing films and extracting pictures from them, in the sandbox.

__init__.py   probe_film, extract_picture, picture_key, write_watermarked_copy: the interface of this package
tasks.py      what runs in the sandbox
probe.py      codec, size and faults of a file
duration.py   for how long a film shows pictures
pictures.py   thumbnails, contact sheets, still frames
watermark.py  a copy with a text in every picture
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import sandbox

# Of all the films that arrive together: each may take 512 MB and a core.
_MAX_PROBED_AT_ONCE = 2
_probes = threading.BoundedSemaphore(_MAX_PROBED_AT_ONCE)


@dataclass(frozen=True)
class ProbeResult:
    """`fault` is None for a film that can be played to its end.

    Faults: "empty" (no bytes), "not_a_film" (something else, whatever its name), "truncated" (ends before it says),
    "no_picture" (only sound), "unreadable" (cannot be decoded, or exhausts time or memory).
    `duration_s`: seconds covered by pictures. `width`, `height`: pixels as coded, before rotation.
    """

    duration_s: float | None = None
    container: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fault: str | None = None


def probe_film(path: Path, cpu_s: float = 30.0) -> ProbeResult:
    """Read every packet of a file and decode its first picture, within `cpu_s` seconds of processor time.

    Thread-safe; waits while two other films are probed. Problems of the film, its cost included, are in `fault`. Raises
    OSError for other problems (no such file, no sandbox process, a busy machine); try again later.
    """
    if path.stat().st_size == 0:
        return ProbeResult(fault="empty")
    try:
        with _probes:
            return ProbeResult(**_run("probe", cpu_s, path))
    except sandbox.TaskFailed:
        return ProbeResult(fault="unreadable")


class PictureError(Exception):
    """The film gives no picture."""


def extract_picture(path: Path, target: Path, kind: str, at_s: float | None = None, cpu_s: float = 30.0) -> None:
    """Write a JPEG: a `thumbnail`, a `contact_sheet` (twelve frames with their times), or the `still` frame at `at_s`.

    Raises PictureError for problems of the film, OSError for other problems.
    """
    _draw(kind, cpu_s, path, target, *([at_s or 0.0] if kind == "still" else []))


def picture_key(film_key: str, kind: str, at_s: float | None = None) -> str:
    """The object key of a picture, apart from the films, whose objects are never changed.

    `kind` is `thumbnail`, `contact_sheet`, or `still` with `at_s` in seconds.
    """
    suffix = "" if at_s is None else f"-{round(at_s * 10)}"
    film = film_key.removeprefix("films/").rpartition(".")[0]
    return f"pictures/{film}/{kind}{suffix}.jpg"


def write_watermarked_copy(path: Path, target: Path, text: str, cpu_s: float = 300.0) -> None:
    """Write an MP4 copy with `text` in every picture. Raises as `extract_picture` does."""
    _draw("watermarked_copy", cpu_s, path, target, text)


def _draw(task: str, cpu_s: float, path: Path, target: Path, *args: Any) -> None:
    try:
        response = _run(task, cpu_s, path, os.path.abspath(target), *args)
    except sandbox.TaskFailed as error:
        raise PictureError(str(error)) from error
    if response["fault"] is not None:
        raise PictureError(response["fault"])


def _run(task: str, cpu_s: float, path: Path, *args: Any) -> dict[str, Any]:
    limits = sandbox.Limits(cpu_s=cpu_s)
    response: dict[str, Any] = sandbox.run(f"storage.film.tasks:{task}", os.path.abspath(path), *args, limits=limits)
    return response
