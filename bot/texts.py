"""Every sentence the bot says, from one file; a key is `section.name`."""

from __future__ import annotations

import errno
import re
import string
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

# The last item of a shortened list: how many more there are.
MORE = "list.more"
_FILE = Path(__file__).with_name("texts.zh_CN.toml")


@cache
def all_texts() -> dict[str, str]:
    """Key -> text."""
    sections = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


def placeholders(key: str) -> set[str]:
    """The parameters a text needs."""
    return {re.split(r"[.\[]", field)[0] for _, field, _, _ in string.Formatter().parse(all_texts()[key]) if field}


def say(key: str, **params: Any) -> str:
    """The text with its parameters filled in. Raises KeyError when one is missing.

    A parameter may itself be a text, {"say": key, …}, or a list: values are joined with 、, texts of some
    sections with what _SEPARATORS says. The format of a list is the measure word of its items, as in {names:家}.
    """
    needed = placeholders(key)
    return _SENTENCE.vformat(all_texts()[key], (), {name: each for name, each in params.items() if name in needed})


def recipient_label(name: str) -> str:
    """The name of a recipient of notices; one that stands in the settings is named by its channel."""
    key = f"channel.{name}"
    return say(key) if key in all_texts() else name


def os_error_text(error: OSError) -> str:
    """The error of the operating system and its file, without the error number."""
    key = f"os_error.{errno.errorcode.get(error.errno or 0, '').lower()}"
    reason = say(key) if key in all_texts() else error.strerror or str(error)
    return say("os_error.at", reason=reason, path=error.filename) if error.filename else reason


def fill(value: Any, measure: str = "") -> Any:
    """A parameter as it stands in a sentence."""
    if isinstance(value, dict) and "say" in value:
        return say(value["say"], **{name: each for name, each in value.items() if name != "say"})
    if isinstance(value, list):
        separator = next((each for sections, each in _SEPARATORS.items() if _are_of(sections, value)), None)
        items = measure or say("list.item")
        return _joined(value, items) if separator is None else separator.join(map(fill, value))
    return value


class _Sentence(string.Formatter):
    """Fills parameters in; the only format there is belongs to a list."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return str(fill(value, format_spec))


_SENTENCE = _Sentence()


def _joined(values: list[Any], measure: str) -> str:
    """Names with 、 between them; the number left out follows the last name."""
    more = "".join(say(MORE, count=each["count"], measure=measure) for each in values if is_more(each))
    return "、".join(str(fill(each)) for each in values if not is_more(each)) + more


def is_more(value: Any) -> bool:
    """Whether an item of a list stands for the items that were left out."""
    return isinstance(value, dict) and value.get("say") == MORE


# Sections whose texts stand between these signs when they come in a list.
_SEPARATORS = {("status.", "report.", "mark.", "hazard_line."): "\n", ("daily_summary.",): "；"}


def _are_of(sections: tuple[str, ...], values: list[Any]) -> bool:
    return bool(values) and all(
        isinstance(value, dict) and value.get("say", "").startswith(sections) for value in values
    )
