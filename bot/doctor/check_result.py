"""One line of the doctor's: right, wrong, or something to think of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.texts import say


@dataclass(frozen=True)
class CheckResult:
    """`well` is None where nothing is broken, but somebody would do well to know."""

    ok: bool | None
    text: str

    @property
    def symbol(self) -> str:
        """What stands before the line."""
        return {True: "✔", False: "✘", None: "！"}[self.ok]


def passed(key: str, **params: Any) -> CheckResult:
    """A thing that is right."""
    return CheckResult(True, say(key, **params))


def failed(key: str, **params: Any) -> CheckResult:
    """A thing that is wrong, with what to do about it."""
    return CheckResult(False, say(key, **params))


def warning(key: str, **params: Any) -> CheckResult:
    """A thing that will matter one night."""
    return CheckResult(None, say(key, **params))
