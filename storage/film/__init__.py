"""Probing films and extracting pictures from them, in a sandbox.

__init__.py   probe_film, extract_picture, picture_key, write_watermarked_copy: the interface of this package
client.py     our end of the sandbox process
sandbox.py    the sandbox: one short-lived process with resource limits per film
probe.py      duration, codec, size and faults of a file
pictures.py   thumbnails, contact sheets, still frames
watermark.py  a copy with a text in every picture
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


def probe_film(path: Path, timeout_s: float = 30.0) -> ProbeResult:
    """Read every packet of a file and decode its first picture.

    Thread-safe. Problems of the film, `timeout_s` included, are in `fault`. Raises OSError for other problems (no such
    file, no sandbox process); try again later.
    """
    if path.stat().st_size == 0:
        return ProbeResult(fault="empty")
    return ProbeResult(**_request("probe", timeout_s, os.path.abspath(path)))


class PictureError(Exception):
    """The film gives no picture."""


def extract_picture(path: Path, target: Path, kind: str, at_s: float | None = None, timeout_s: float = 30.0) -> None:
    """Write a JPEG: a `thumbnail`, a `contact_sheet` (twelve frames with their times), or the `still` frame at `at_s`.

    Raises PictureError for problems of the film, OSError for other problems.
    """
    extra_args = [at_s or 0.0] if kind == "still" else []
    _check(_request(kind, timeout_s, os.path.abspath(path), os.path.abspath(target), *extra_args))


def picture_key(film_key: str, kind: str, at_s: float | None = None) -> str:
    """The object key of a picture, apart from the films, whose objects are never changed.

    `kind` is `thumbnail`, `contact_sheet`, or `still` with `at_s` in seconds.
    """
    suffix = "" if at_s is None else f"-{round(at_s * 10)}"
    film = film_key.removeprefix("films/").rpartition(".")[0]
    return f"pictures/{film}/{kind}{suffix}.jpg"


def write_watermarked_copy(path: Path, target: Path, text: str, timeout_s: float = 300.0) -> None:
    """Write an MP4 copy with `text` in every picture. Raises as `extract_picture` does."""
    _check(_request("watermark", timeout_s, os.path.abspath(path), os.path.abspath(target), text))


def _request(task: str, timeout_s: float, *args: object) -> dict[str, Any]:
    response: dict[str, Any] = json.loads(client.request(json.dumps([task, timeout_s, *args]).encode(), timeout_s))
    return response


def _check(response: dict[str, Any]) -> None:
    if response["fault"] is not None:
        raise PictureError(response["fault"])
