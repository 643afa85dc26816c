"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.texts import say


@dataclass(frozen=True)
class CheckResult:
    """`ok` is None for a warning."""

    ok: bool | None
    text: str

    @property
    def symbol(self) -> str:
        return {True: "✔", False: "✘", None: "！"}[self.ok]


def passed(key: str, **params: Any) -> CheckResult:
    return CheckResult(True, say(key, **params))


def failed(key: str, **params: Any) -> CheckResult:
    """The text says what to do about it."""
    return CheckResult(False, say(key, **params))


def warning(key: str, **params: Any) -> CheckResult:
    return CheckResult(None, say(key, **params))
