"""Makes texts from people and the register harmless: in our messages each is one line of plain characters.

Names, texts and files come from every user who can write to the bot. The apps turn `<a href>` in a text into a link,
markdown has links, fonts and mentions, and a line break or a quotation mark lets words pass for ours. Our own texts
are not touched: this applies to their parameters. Characters are replaced by their full-width forms and not removed,
so that the office sees what was sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# Inner quotation marks, as Chinese writes them inside of ours.
_ANYWHERE = str.maketrans({"<": "＜", ">": "＞", "“": "‘", "”": "’"})
_MARKDOWN = str.maketrans({"[": "［", "]": "］", "`": "｀", "*": "＊", "\\": "＼"})
# What begins a heading, a list, a table or a line under a heading; a parameter can begin a line.
_MARKDOWN_LINE_START = {"#": "＃", "-": "－", "+": "＋", "=": "＝", "|": "｜"}
# Invisible, although Unicode counts them as letters or marks: fillers, joiners, variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0]")
# Controls, directional and zero-width characters, halves of surrogate pairs.
_DROPPED_CATEGORIES = ("Cc", "Cf", "Cs")
_FILE_NAME = str.maketrans({"/": "／", "\\": "＼"})


def harmless(value: Any, *, markdown: bool) -> Any:
    """A parameter of a text with every string in it made harmless; the keys of texts in it stay."""
    if isinstance(value, str):
        return harmless_text(value, markdown=markdown)
    if isinstance(value, list | tuple):
        return [harmless(each, markdown=markdown) for each in value]
    if isinstance(value, dict):
        return {name: each if name == "say" else harmless(each, markdown=markdown) for name, each in value.items()}
    return value


def harmless_text(text: str, *, markdown: bool = False) -> str:
    """One line without markup, quotation marks of ours, control characters or invisible ones."""
    line = " ".join(_INVISIBLE.sub("", text).split())
    line = "".join(each for each in line if unicodedata.category(each) not in _DROPPED_CATEGORIES)
    line = line.strip().translate(_ANYWHERE)
    if not markdown:
        return line
    line = line.translate(_MARKDOWN)
    return _MARKDOWN_LINE_START.get(line[:1], line[:1]) + line[1:]


def harmless_file_name(name: str) -> str:
    """A file name that names no folder."""
    return harmless_text(name).translate(_FILE_NAME)
