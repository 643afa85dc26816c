"""One line of the doctor's: right, wrong, or something to think of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.texts import say


@dataclass(frozen=True)
class Finding:
    """`well` is None where nothing is broken, but somebody would do well to know."""

    well: bool | None
    line: str

    @property
    def sign(self) -> str:
        """What stands before the line."""
        return {True: "✔", False: "✘", None: "！"}[self.well]


def good(key: str, **params: Any) -> Finding:
    """A thing that is right."""
    return Finding(True, say(key, **params))


def bad(key: str, **params: Any) -> Finding:
    """A thing that is wrong, with what to do about it."""
    return Finding(False, say(key, **params))


def advice(key: str, **params: Any) -> Finding:
    """A thing that will matter one night."""
    return Finding(None, say(key, **params))
