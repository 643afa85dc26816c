"""Which part, or which enterprise, a few words name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

_DIGITS = str.maketrans(
    {
        "零": "0",
        "〇": "0",
        "一": "1",
        "二": "2",
        "两": "2",
        "三": "3",
        "四": "4",
        "五": "5",
        "六": "6",
        "七": "7",
        "八": "8",
        "九": "9",
    }
)
_NUMBER = re.compile(
    r"^(?:第|部位|no\.?|#)*([a-z]*-?\d+[a-z]?|[零〇一二两三四五六七八九十]{1,3})(?:号|个)?(?:部位|点|位)?[。.!！]?$"
)

_SPOKEN = re.compile("[零〇一二两三四五六七八九十]{1,3}")


class PartLike(Protocol):
    """A key part as naming sees it."""

    number: str
    name: str


class EnterpriseLike(Protocol):
    """An enterprise as naming sees it."""

    code: str
    name: str
    short_name: str


N = TypeVar("N", bound=PartLike)
T = TypeVar("T", bound=EnterpriseLike)
A = TypeVar("A")


def normalize_text(text: str) -> str:
    """Text as it is compared: half-width, lower case, without spaces."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def parse_part_number(text: str) -> str | None:
    """The part number that a whole message consists of (2, ２号, 第三个部位), or None."""
    found = _NUMBER.match(normalize_text(text))
    return _arabic(found.group(1)) if found else None


def _arabic(word: str) -> str:
    if "十" in word:
        tens, _, ones = word.partition("十")
        return (tens.translate(_DIGITS) or "1") + (ones.translate(_DIGITS) or "0")
    word = word.translate(_DIGITS)
    return word.lstrip("0") or "0" if word.isdigit() else word


def find_part(text: str, parts: Sequence[N]) -> N | None:
    """The one part that a message names by number or by name; None when it names none, or several."""
    exactly = [
        part
        for part in parts
        if normalize_text(text) in map(normalize_text, (part.number, part.name, part.number + part.name))
    ]
    if len(exactly) == 1:
        return exactly[0]
    number = parse_part_number(text)
    if number is not None:
        return _only(part for part in parts if _arabic(normalize_text(part.number)) == number)
    said = _in_digits(text)
    # Not within a longer number: 12号罐区 does not name 2号罐区.
    by_name = [part for part in parts if re.search(_as_pattern(_in_digits(part.name)), said)]
    if by_name:
        longest = max(len(part.name) for part in by_name)
        return _only(part for part in by_name if len(part.name) == longest)
    return _only(part for part in parts if len(said) >= 2 and said in _in_digits(part.name)) or _leading(said, parts)


def _as_pattern(name: str) -> str:
    return (r"(?<!\d)" if name[:1].isdigit() else "") + re.escape(name)


def _in_digits(text: str) -> str:
    """Names as they are compared: 二号泵房 and 2号泵房 are one."""
    return _SPOKEN.sub(lambda found: _arabic(found.group()), normalize_text(text))


def _leading(said: str, parts: Sequence[N]) -> N | None:
    """`2号北侧` or `2、北`: a number in front decides when the rest names nothing else."""
    found = re.match(r"^(\d+)(?:号|[、.,，:：]|-(?!\d))", said)
    if found is None:
        return None
    rest = said[found.end() :]
    if len(rest) >= 2 and any(rest in _in_digits(part.name) for part in parts):
        return None
    return _only(part for part in parts if _arabic(normalize_text(part.number)) == _arabic(found.group(1)))


def find_enterprise(text: str, enterprises: Sequence[T]) -> T | None:
    """The one enterprise that a message names by code, short name or name."""
    said = normalize_text(text)
    named = [(_longest_name(said, enterprise), enterprise) for enterprise in enterprises]
    # 宏达化工二厂 does not also name 宏达化工.
    return _only(
        each for name, each in named if name and not any(name != other and name in other for other, _ in named)
    )


def _longest_name(said: str, enterprise: EnterpriseLike) -> str:
    """The longest of an enterprise's names that stands in a message; empty when none does."""
    names = [normalize_text(name) for name in (enterprise.short_name, enterprise.name) if normalize_text(name) in said]
    code = normalize_text(enterprise.code)
    if re.search(rf"(?<![a-z0-9]){re.escape(code)}(?![a-z0-9])", said):
        names.append(code)
    return max(names, key=len, default="")


def strip_enterprise_name(text: str, enterprise: EnterpriseLike) -> str:
    """What is left of a message once the enterprise's name is taken out."""
    said = normalize_text(text)
    for name in sorted((enterprise.name, enterprise.short_name, enterprise.code), key=len, reverse=True):
        said = said.replace(normalize_text(name), "", 1)
    return said.strip("，,、:：-")


def _only(found: Iterable[A]) -> A | None:
    several = list(found)
    return several[0] if len(several) == 1 else None
