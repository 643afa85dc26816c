"""Strict field checks that the message types share; each raises the ApiError that the platform answers."""

from typing import Any

from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.records import Json


def byte_length(text: str) -> int:
    """Length in UTF-8 bytes, the platform's unit for most limits."""
    return len(text.encode())


def truncate_bytes(text: str, limit: int) -> str:
    """The longest prefix of a text that fits into `limit` bytes, as the platform truncates."""
    return text.encode()[:limit].decode(errors="ignore")


def require_object(body: Json, name: str) -> Json:
    """The object `name`; 40058 if it is missing."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise ApiError(40058, f"{name} missing or not an object")
    return value


def require_objects(body: Json, name: str, max_count: int, errcode: int = 40058) -> list[Json]:
    """The list of objects `name`, which has 1 to `max_count` entries."""
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ApiError(40058, f"{name} missing or not a list of objects")
    if len(value) > max_count:
        raise ApiError(errcode, f"{name} has more than {max_count} entries")
    return value


def require_text(body: Json, name: str, missing_errcode: int = 40058) -> str:
    """The non-empty text `name`; `missing_errcode` if it is missing or empty."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(missing_errcode, f"{name} missing or empty")
    return value


def optional_text(body: Json, name: str) -> str:
    """The text `name`, or an empty one if it is missing."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40058, f"{name} is not a text")
    return value


def limit_bytes(text: str, limit: int, name: str, errcode: int = 45002) -> str:
    """The text itself; `errcode` if it has more than `limit` bytes."""
    if byte_length(text) > limit:
        raise ApiError(errcode, f"{name} exceed max length {limit}")
    return text


def limit_characters(text: str, limit: int, name: str) -> str:
    """The text itself; 40058 if it has more than `limit` characters."""
    if len(text) > limit:
        raise ApiError(40058, f"{name} exceed max length {limit} characters")
    return text


def require_url(body: Json, name: str) -> str:
    """The URL `name`: required, http or https, at most 2048 bytes."""
    url = limit_bytes(require_text(body, name), 2048, name, 40058)
    if not url.startswith(("http://", "https://")):
        raise ApiError(40058, f"{name} is not an http or https URL")
    return url


def optional_choice(body: Json, name: str, allowed: tuple[int, ...]) -> int:
    """The number `name`, one of `allowed`; the first of them if it is missing."""
    value: Any = body.get(name, allowed[0])
    if isinstance(value, bool) or value not in allowed:
        raise ApiError(40058, f"{name} is not one of {allowed}")
    return int(value)


def optional_texts(body: Json, name: str) -> tuple[str, ...]:
    """The list of texts `name`, or an empty one if it is missing."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ApiError(40058, f"{name} is not a list of texts")
    return tuple(value)


def require_articles(body: Json) -> list[Json]:
    """The 1 to 8 articles of a news message."""
    articles = require_objects(body, "articles", 8, 45008)
    for article in articles:
        limit_bytes(require_text(article, "title"), 128, "title")
        limit_bytes(optional_text(article, "description"), 512, "description")
        require_url(article, "url")
        limit_bytes(optional_text(article, "picurl"), 2048, "picurl", 40058)
    return articles
