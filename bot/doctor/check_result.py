"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.texts import all_texts, say


@dataclass(frozen=True)
class CheckResult:
    """`ok` is None for a warning, and for what is optional and absent."""

    ok: bool | None
    text: str
    is_absent: bool = False

    @property
    def symbol(self) -> str:
        return "－" if self.is_absent else {True: "✔", False: "✘", None: "！"}[self.ok]


def passed(key: str, **params: Any) -> CheckResult:
    return CheckResult(True, say(key, **params))


def absent(key: str, **params: Any) -> CheckResult:
    """Something optional that is not set up: neither right nor wrong."""
    return CheckResult(None, say(key, **params), is_absent=True)


def failed(key: str, **params: Any) -> CheckResult:
    """The text says what to do about it."""
    return CheckResult(False, _sentence(key, params))


def warning(key: str, **params: Any) -> CheckResult:
    return CheckResult(None, _sentence(key, params))


def _sentence(key: str, params: dict[str, Any]) -> str:
    """An error that requests names by its type is told in words."""
    text_key = f"network_error.{str(params.get('error', '')).lower()}"
    return say(key, **(params | {"error": say(text_key)} if text_key in all_texts() else params))
