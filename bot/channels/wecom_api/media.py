"""media/get: one ranged answer, with its lies found out (protocol sheet 3.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import requests

from bot.channels.errors import ChannelError, OutcomeUnknown, Transient, error_from_code
from bot.channels.wecom_api.http import parse_answer, parse_int

_PIECE = 256 * 1024
_NEITHER = "an answer that is neither media nor error"


class MediaRange:
    """The bytes from `start` on; `total` is the length of the whole film, None where it is not told.

    Raises ChannelError for an answer that is no part of a film.
    """

    def __init__(self, response: requests.Response, start: int) -> None:
        self._response, self._start = response, start
        self._named = "Content-Disposition" in response.headers
        try:
            self._length = parse_int(response.headers.get("Content-Length"))
            self._look_at_kind(response.headers.get("Content-Type", ""))
            self.total_bytes = self._length if response.status_code == 200 else self._ranged_total()
        except ChannelError:
            response.close()
            raise

    def _look_at_kind(self, kind: str) -> None:
        """An error comes with status 200 like everything else; only media have a name."""
        if not self._named and ("json" in kind or kind.startswith("text/")):
            parse_answer(self._response)
            raise Transient(_NEITHER)
        if self._response.status_code not in (200, 206) and not self._is_empty():
            raise Transient(f"HTTP {self._response.status_code}")
        if self._response.status_code == 200 and self._start:
            raise Transient("the platform gives no ranges, and the film was cut")

    def _is_empty(self) -> bool:
        """An empty file has no range at all: some servers say 416, some a range that cannot be."""
        return not self._start and (self._response.status_code == 416 or self._length == 0)

    def _ranged_total(self) -> int:
        """The whole length; a range other than the one asked for would spoil the film."""
        unit, _, total = self._response.headers.get("Content-Range", "").rpartition("/")
        found = parse_int(total)
        if not found and self._is_empty():
            self._length = 0
            return 0
        if found is None or not unit.startswith(f"bytes {self._start}-"):
            raise Transient("another range than the one asked for")
        return found

    def chunks(self) -> Iterator[bytes]:
        """The bytes; Unheard when fewer come than were announced, or none."""
        got = 0
        if self._response.status_code == 416:
            return
        try:
            for piece in self._response.iter_content(_PIECE):
                if not got and not self._named and not self._start and piece.startswith(b"{"):
                    raise _told_in(piece)
                got += len(piece)
                yield piece
        except requests.RequestException:
            raise OutcomeUnknown(f"broke off after {got} bytes") from None
        finally:
            self._response.close()
        if got < (self._length or 0) or (not got and self.total_bytes):
            raise OutcomeUnknown(f"{got} of {self._length} bytes")


def _told_in(body: bytes) -> ChannelError:
    """What a nameless body that begins like JSON says."""
    try:
        answer = json.loads(body)
        code = int(answer["errcode"])
    except (ValueError, KeyError, TypeError):
        code = 0
    return error_from_code(code, str(answer.get("errmsg", ""))) if code else Transient(_NEITHER)
