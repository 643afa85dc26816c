"""Resumable download of a film or photo, range by range; answers that are not the media are detected."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions

from bot.channels.errors import ChannelError, MediaGone, OutcomeUnknown, Permanent, Transient, error_from_code
from bot.channels.wecom_api.http import parse_answer, parse_int
from bot.clock import monotonic

_CHUNK_BYTES = 256 * 1024
_NEITHER = "the answer is neither media nor an error"


@dataclass(frozen=True)
class DownloadLimits:
    """When a download is given up: after so many broken bodies, bytes, seconds. None: no limit.

    It has stalled when fewer than `stall_bytes` came within `stall_s`: 300 slow films are fetched side by side, but one
    that hardly moves must leave its place to another.
    """

    max_resumes: int = 5
    max_bytes: int | None = None
    max_s: float | None = None
    stall_bytes: int = 64 * 1024
    stall_s: float = 60.0


class MediaRange:
    """One answer to a request for the bytes from `start` on; `total_bytes` is the size of the whole, None if unknown.

    `gone_statuses` are the HTTP statuses that mean MediaGone. `may_be_error` False: the body is never an errcode, so
    any bytes are media. Raises ChannelError for an answer that is not part of the media.
    """

    def __init__(
        self, response: requests.Response, start: int, *, gone_statuses: Collection[int] = (), may_be_error: bool = True
    ) -> None:
        self._response, self._start = response, start
        # An error comes with status 200 like media do, but only media have a file name.
        self._is_suspect = may_be_error and "Content-Disposition" not in response.headers
        # The announced length is that of the compressed body.
        is_compressed = "Content-Encoding" in response.headers
        self._length = None if is_compressed else parse_int(response.headers.get("Content-Length"))
        try:
            if response.status_code in gone_statuses:
                raise MediaGone(f"HTTP {response.status_code}")
            self._check_kind(response.headers.get("Content-Type", ""))
            self.total_bytes = self._length if response.status_code == 200 else self._ranged_total()
        except ChannelError:
            response.close()
            raise

    def _check_kind(self, kind: str) -> None:
        if self._is_suspect and ("json" in kind or kind.startswith("text/")):
            parse_answer(self._response)
            raise Transient(_NEITHER)
        if self._response.status_code not in (200, 206) and not self._is_empty():
            raise Transient(f"HTTP {self._response.status_code}")
        if self._response.status_code == 200 and self._start:
            raise Transient("the platform does not support ranges, and the body was cut")

    def _is_empty(self) -> bool:
        """An empty file has no valid range: some servers answer 416, some with an impossible range."""
        return not self._start and (self._response.status_code == 416 or self._length == 0)

    def _ranged_total(self) -> int:
        """The whole size; a range other than the requested one would corrupt the film."""
        unit, _, size = self._response.headers.get("Content-Range", "").rpartition("/")
        total = parse_int(size)
        if not total and self._is_empty():
            self._length = 0
            return 0
        if total is None or not unit.startswith(f"bytes {self._start}-"):
            raise Transient("another range than the requested one")
        return total

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises OutcomeUnknown if fewer come than were announced, or none."""
        received = 0
        if self._response.status_code == 416:
            return
        try:
            # Read what has arrived instead of waiting for a full chunk, to notice a stalled download.
            while chunk := self._response.raw.read1(_CHUNK_BYTES, decode_content=True):
                if self._is_suspect and not received and not self._start and chunk.startswith(b"{"):
                    raise _parse_error(chunk + self._response.raw.read(_CHUNK_BYTES, decode_content=True))
                received += len(chunk)
                yield chunk
        except (urllib3.exceptions.HTTPError, OSError):
            raise OutcomeUnknown(f"the body broke off after {received} bytes") from None
        finally:
            self._response.close()
        if received < (self._length or 0) or (not received and self.total_bytes):
            raise OutcomeUnknown(f"{received} of {self._length} bytes")


def _parse_error(body: bytes) -> ChannelError:
    """The errcode of a body that begins like JSON."""
    try:
        answer = json.loads(body)
        code = int(answer["errcode"])
    except (ValueError, KeyError, TypeError):
        code = 0
    return error_from_code(code, str(answer.get("errmsg", ""))) if code else Transient(_NEITHER)


def media_headers(start: int = 0, size: int | None = None) -> dict[str, str]:
    """The headers that ask for `size` bytes from `start` on, or for a whole file; uncompressed, as a range must be."""
    headers = {"Accept-Encoding": "identity"}
    if size is not None:
        headers["Range"] = f"bytes={start}-{start + size - 1}"
    elif start:
        headers["Range"] = f"bytes={start}-"
    return headers


class _StallDetector:
    """Raises Transient when a download has stalled."""

    def __init__(self, limits: DownloadLimits) -> None:
        self._limits, self._since, self._bytes = limits, monotonic(), 0

    def add(self, count: int) -> None:
        """So many more bytes have come."""
        self._bytes += count
        if monotonic() - self._since >= self._limits.stall_s:
            if self._bytes < self._limits.stall_bytes:
                raise Transient(f"stalled: {self._bytes} bytes in {self._limits.stall_s:.0f} s")
            self._since, self._bytes = monotonic(), 0


def download(request_range: Callable[[int], MediaRange], limits: DownloadLimits = DownloadLimits()) -> Iterator[bytes]:
    """All bytes, one range after the other; a body that breaks off is resumed where it broke. Raises ChannelError."""
    done, total, broken, began = 0, None, 0, monotonic()
    stall_detector = _StallDetector(limits)
    while total is None or done < total:
        try:
            part = request_range(done)
            total = part.total_bytes
            for chunk in part.chunks():
                done += len(chunk)
                stall_detector.add(len(chunk))
                if done > (limits.max_bytes or done) or monotonic() - began > (limits.max_s or float("inf")):
                    raise Permanent(f"no end after {done} bytes")
                yield chunk
        except OutcomeUnknown:
            broken += 1
            stall_detector.add(0)
            if broken > limits.max_resumes:
                raise
            continue
        if total is None:
            total = done
