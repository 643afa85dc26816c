"""The tasks of the sandbox. Each returns values for JSON, among them `fault`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

import av

from storage.film import pictures, watermark
from storage.film.probe import probe_file

_Task = Callable[..., dict[str, Any]]
_MAX_FAULT_LENGTH = 200


def _with_fault(task: _Task) -> _Task:
    """Some of FFmpeg's errors are OSErrors too, but they are about the film."""

    @wraps(task)
    def run(*args: Any) -> dict[str, Any]:
        try:
            return task(*args)
        except (av.error.FFmpegError, ValueError) as error:
            return {"fault": f"unreadable: {error}"[:_MAX_FAULT_LENGTH]}

    return run


@_with_fault
def probe(path: str) -> dict[str, Any]:
    return asdict(probe_file(path))


thumbnail = _with_fault(pictures.draw_thumbnail)
still = _with_fault(pictures.draw_still)
contact_sheet = _with_fault(pictures.draw_contact_sheet)
watermarked_copy = _with_fault(watermark.write_watermarked)
