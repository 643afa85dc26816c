"""Nights, ids and numbers in URLs, queries and forms, within bounds that the calendar and the database can hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TypeVar
from urllib.parse import urlencode

from flask import Flask, abort, request
from werkzeug.routing import BaseConverter, ValidationError

FIRST_NIGHT, LAST_NIGHT = date(2000, 1, 1), date(2199, 12, 31)
"""Far enough from the ends of the calendar for every span of nights that a page adds or subtracts."""
MAX_ID = 2**63 - 1
"""Ids are BIGINT."""
_MAX_SECONDS = 1e6
_Place = TypeVar("_Place")


def register_converters(app: Flask) -> None:
    """`<night:…>` and `<id:…>` for the routes of an application. Other values match no route: the answer is 404."""
    app.url_map.converters.update(night=_NightConverter, id=_IdConverter)


class _NightConverter(BaseConverter):
    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        night = parse_night(value)
        if night is None:
            raise ValidationError
        return night


class _IdConverter(BaseConverter):
    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = parse_number(value)
        if number is None:
            raise ValidationError
        return number


def parse_night(text: str) -> date | None:
    """An ISO date (2026-11-24) from FIRST_NIGHT to LAST_NIGHT; None for anything else."""
    try:
        night = date.fromisoformat(text) if re.fullmatch(_NightConverter.regex, text) else None
    except ValueError:
        return None
    return night if night is not None and FIRST_NIGHT <= night <= LAST_NIGHT else None


def parse_number(text: str) -> int | None:
    """A decimal number from 0 to MAX_ID; None for anything else."""
    number = int(text) if re.fullmatch(_IdConverter.regex, text) else None
    return number if number is not None and number <= MAX_ID else None


def parse_seconds(text: str) -> float | None:
    """A position or duration in seconds; None where it is no plausible number."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < _MAX_SECONDS else None


def text_argument(name: str) -> str:
    """A query parameter without the spaces around it; empty where there is none."""
    return request.args.get(name, "").strip()


def number_argument(name: str) -> int | None:
    """A query parameter as parse_number reads it; None where there is none."""
    return parse_number(request.args.get(name, ""))


def night_argument(name: str = "night") -> date | None:
    """The night in a query parameter, None where there is none; 404 where it is no night."""
    text = request.args.get(name)
    if not text:
        return None
    return parse_night(text) or abort(404)


def position_argument(parse_first: Callable[[str], _Place | None]) -> tuple[_Place, int] | None:
    """The place in a list after which a page begins, as `first.number` in `before`; None for anything else."""
    first_text, _, number_text = request.args.get("before", "").partition(".")
    first, number = parse_first(first_text), parse_number(number_text)
    return None if first is None or number is None else (first, number)


def query_with(**changed: str | int) -> str:
    """The query of the present page with some parameters changed; a list begins with its first page again."""
    kept = {name: value for name, value in request.args.items() if name != "before"}
    return urlencode({name: value for name, value in {**kept, **changed}.items() if value})
