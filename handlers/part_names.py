"""Finding the part or the enterprise that a text names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

_DIGITS = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_NUMBER = re.compile(
    r"^(?:第|部位|no\.?|#)*([a-z]*-?\d+[a-z]?|[零〇一二两三四五六七八九十]{1,3})(?:号|个)?(?:部位|点|位)?[。.!！]?$"
)

_CHINESE_NUMBER = re.compile("[零〇一二两三四五六七八九十]{1,3}")


class PartLike(Protocol):
    number: str
    name: str


class EnterpriseLike(Protocol):
    code: str
    name: str
    short_name: str


P = TypeVar("P", bound=PartLike)
E = TypeVar("E", bound=EnterpriseLike)
T = TypeVar("T")


def normalize_text(text: str) -> str:
    """The text in half-width characters and lower case, without spaces."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def parse_part_number(text: str) -> str | None:
    """The part number that a whole message consists of (2, ２号, 第三个部位), or None."""
    match = _NUMBER.match(normalize_text(text))
    return _arabic(match.group(1)) if match else None


def _arabic(number: str) -> str:
    if "十" in number:
        tens, _, ones = number.partition("十")
        return (tens.translate(_DIGITS) or "1") + (ones.translate(_DIGITS) or "0")
    number = number.translate(_DIGITS)
    return number.lstrip("0") or "0" if number.isdigit() else number


def find_part(text: str, parts: Sequence[P]) -> P | None:
    """The one part that a text names by number or by name; None when it names none or several."""
    exact = [
        part
        for part in parts
        if normalize_text(text) in map(normalize_text, (part.number, part.name, part.number + part.name))
    ]
    if len(exact) == 1:
        return exact[0]
    number = parse_part_number(text)
    if number is not None:
        return _only(part for part in parts if _arabic(normalize_text(part.number)) == number)
    text = _with_digits(text)
    # A name must not begin within a longer number: 12号罐区 does not name 2号罐区.
    by_name = [part for part in parts if re.search(_as_pattern(_with_digits(part.name)), text)]
    if by_name:
        longest = max(len(part.name) for part in by_name)
        return _only(part for part in by_name if len(part.name) == longest)
    abbreviated = _only(part for part in parts if len(text) >= 2 and text in _with_digits(part.name))
    return abbreviated or _find_by_leading_number(text, parts)


def _as_pattern(name: str) -> str:
    return (r"(?<!\d)" if name[:1].isdigit() else "") + re.escape(name)


def _with_digits(text: str) -> str:
    """The normalized text with Chinese numbers as digits: 二号泵房 and 2号泵房 are equal."""
    return _CHINESE_NUMBER.sub(lambda match: _arabic(match.group()), normalize_text(text))


def _find_by_leading_number(text: str, parts: Sequence[P]) -> P | None:
    """`2号北侧` or `2、北`: a leading number decides when the rest names no other part."""
    match = re.match(r"^(\d+)(?:号|[、.,，:：]|-(?!\d))", text)
    if match is None:
        return None
    rest = text[match.end() :]
    if len(rest) >= 2 and any(rest in _with_digits(part.name) for part in parts):
        return None
    return _only(part for part in parts if _arabic(normalize_text(part.number)) == _arabic(match.group(1)))


def find_enterprise(text: str, enterprises: Sequence[E]) -> E | None:
    """The one enterprise that a text names by code, short name or name; None when it names none or several."""
    text = normalize_text(text)
    named = [(_longest_name(text, enterprise), enterprise) for enterprise in enterprises]
    # 宏达化工二厂 does not also name 宏达化工.
    return _only(
        each for name, each in named if name and not any(name != other and name in other for other, _ in named)
    )


def _longest_name(text: str, enterprise: EnterpriseLike) -> str:
    """The longest of an enterprise's names that occurs in the text; empty when none does."""
    names = [normalize_text(name) for name in (enterprise.short_name, enterprise.name) if normalize_text(name) in text]
    code = normalize_text(enterprise.code)
    if re.search(rf"(?<![a-z0-9]){re.escape(code)}(?![a-z0-9])", text):
        names.append(code)
    return max(names, key=len, default="")


def strip_enterprise_name(text: str, enterprise: EnterpriseLike) -> str:
    """The normalized text without the enterprise's name."""
    text = normalize_text(text)
    for name in sorted((enterprise.name, enterprise.short_name, enterprise.code), key=len, reverse=True):
        text = text.replace(normalize_text(name), "", 1)
    return text.strip("，,、:：-")


def _only(candidates: Iterable[T]) -> T | None:
    candidates = list(candidates)
    return candidates[0] if len(candidates) == 1 else None
