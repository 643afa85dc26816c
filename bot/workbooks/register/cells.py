"""Parsers of single cells. Each takes the value of a cell that is not empty and raises CellError."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from urllib.parse import parse_qs, urlsplit

from openpyxl.cell.cell import ERROR_CODES

from bot.workbooks.register.result import CellError

LIST_SEPARATORS = re.compile(r"[、，,;；\n\r]+")
MAX_TEXT_LENGTH, MAX_CODE_LENGTH, MAX_LINK_LENGTH = 300, 64, 2000
_ODD_IN_CODE = re.compile(r"[/\\、，,;；\x00-\x1f]|^\.")
_BETWEEN_HANZI = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
_MOBILE = re.compile(r"[0-9+-]{5,20}")
_ROBOT_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
ACCEPTED_YEARS = range(2000, 2100)
RISK_LEVELS = ("红", "橙", "黄", "蓝")


def raw_text(value: object) -> str:
    """A text or number as text: 1 and 1.0 both as "1"."""
    if isinstance(value, str):
        if value.strip() in ERROR_CODES:
            raise CellError("register.formula_error")
        return value.strip()
    if isinstance(value, bool):
        raise CellError("register.not_text")
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(value)
    raise CellError("register.date_instead_of_text")


def normalized_text(value: object) -> str:
    """Text with full-width letters, digits and punctuation converted to half width."""
    return unicodedata.normalize("NFKC", raw_text(value)).strip()


def text(value: object) -> str:
    """Text on one line, with single spaces."""
    return _fitting(" ".join(raw_text(value).split()), MAX_TEXT_LENGTH)


def code(value: object) -> str:
    """An identifier given by the office: 企业编号, 部位编号."""
    found = _fitting(" ".join(normalized_text(value).split()), MAX_CODE_LENGTH)
    if _ODD_IN_CODE.search(found):
        raise CellError("register.not_a_code")
    return found


def identifier(value: object) -> str:
    """An account, an open id or a conversation id, without spaces and separators."""
    found = _fitting(normalized_text(value), MAX_CODE_LENGTH * 2)
    if LIST_SEPARATORS.search(found) or re.search(r"\s", found):
        raise CellError("register.not_a_code")
    return found


def codes(value: object) -> list[str]:
    """Several codes, each once."""
    return _unique([code(piece) for piece in _split(normalized_text(value))])


def person_name(value: object) -> str:
    """One person's name, without the spaces that align names of two characters."""
    found = _BETWEEN_HANZI.sub("", text(LIST_SEPARATORS.sub("、", raw_text(value))))
    if LIST_SEPARATORS.search(found):
        raise CellError("register.one_name_only")
    return found


def person_names(value: object) -> list[str]:
    """Several names, in the order written, each once."""
    return _unique([person_name(piece) for piece in _split(raw_text(value))])


def text_list(value: object) -> list[str]:
    """Several texts, each once."""
    return _unique([text(piece) for piece in _split(raw_text(value))])


def choice(*allowed: str) -> Callable[[object], str]:
    """A parser of one of these values."""

    def read(value: object) -> str:
        found = "".join(normalized_text(value).split())
        if found not in allowed:
            raise CellError("register.not_a_choice", allowed="、".join(allowed))
        return found

    return read


def choices(*allowed: str) -> Callable[[object], list[str]]:
    """A parser of several of these values; the result is in the order of `allowed`."""
    one = choice(*allowed)
    return lambda value: sorted({one(piece) for piece in _split(raw_text(value))}, key=allowed.index)


def risk(value: object) -> str:
    """A risk level, with or without 色."""
    return choice(*RISK_LEVELS)(normalized_text(value).removesuffix("色"))


def whole_number(minimum: int) -> Callable[[object], int]:
    """A parser of whole numbers of at least `minimum`."""

    def read(value: object) -> int:
        found = normalized_text(value)
        if not re.fullmatch(r"\d{1,6}", found) or int(found) < minimum:
            raise CellError("register.not_a_number", minimum=minimum)
        return int(found)

    return read


def mobile(value: object) -> str:
    """A telephone number without spaces; the format is checked loosely."""
    found = "".join(normalized_text(value).split())
    if not _MOBILE.fullmatch(found):
        raise CellError("register.not_a_mobile")
    return found


def robot_key(value: object) -> str:
    """The key of a group robot, also from its webhook URL."""
    found = normalized_text(value)
    if "://" in found:
        found = parse_qs(urlsplit(found).query).get("key", [""])[0]
    if not _ROBOT_KEY.fullmatch(found):
        raise CellError("register.not_a_robot_key")
    return found


def calendar_date(value: object) -> date:
    """An Excel date, or text such as 2026-11-23, 2026/11/23, 2026年11月23日."""
    if isinstance(value, date):
        found = value.date() if isinstance(value, datetime) else value
        return _plausible(found.year, found.month, found.day)
    match = _DATE.fullmatch(normalized_text(value)) if isinstance(value, str) else None
    if match is None:
        raise CellError("register.not_a_date")
    return _plausible(*(int(piece) for piece in match.groups()))


def time_of_day(value: object) -> str:
    """A time of day as HH:MM."""
    if isinstance(value, datetime):
        value = value.time()
    if isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value < 1:
        minutes = round(value * 24 * 60)
        value = time(minutes // 60 % 24, minutes % 60)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    match = _TIME.fullmatch(normalized_text(value)) if isinstance(value, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise CellError("register.not_a_time")
    return f"{int(match[1]):02d}:{match[2]}"


def times_of_day(value: object) -> str:
    """One or several times of day, in order."""
    pieces = _split(normalized_text(value)) if isinstance(value, str) else [value]
    return "、".join(sorted({time_of_day(piece) for piece in pieces}))


def percentage(value: object) -> str:
    """A percentage as "40%". The value of a cell that shows 40% is 0.4."""
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*(%?)", normalized_text(value))
    share = float(found[1]) * (1 if found[2] or float(found[1]) > 1 else 100) if found else 0
    if not 0 < share <= 100:
        raise CellError("register.not_a_percentage")
    return f"{round(share, 2):g}%"


def link(value: object) -> str:
    """An http or https address."""
    found = _fitting(raw_text(value), MAX_LINK_LENGTH)
    try:
        parts = urlsplit(found)
    except ValueError:
        raise CellError("register.not_a_link") from None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or re.search(r"\s", found):
        raise CellError("register.not_a_link")
    return found


def name_key(name: str) -> str:
    """A name as names are compared: without spaces, in half width and lower case."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _split(found: str) -> list[str]:
    pieces = [piece.strip() for piece in LIST_SEPARATORS.split(found) if piece.strip()]
    if not pieces:
        raise CellError("register.only_separators")
    return pieces


def _unique(pieces: list[str]) -> list[str]:
    return list(dict.fromkeys(pieces))


def _fitting(found: str, longest: int) -> str:
    if len(found) > longest:
        raise CellError("register.too_long", max_length=longest)
    return found


def _plausible(year: int, month: int, number: int) -> date:
    try:
        found = date(year, month, number)
    except ValueError:
        raise CellError("register.not_a_date") from None
    if found.year not in ACCEPTED_YEARS:
        raise CellError("register.not_a_date")
    return found
