"""Types of settings. Each parser raises ValueError for a value it does not accept."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, SecretStr

# It signs sessions and links; a shorter one can be guessed.
MIN_SECRET_KEY_LENGTH = 32


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError from error


def _web_address(value: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    parts = urlsplit(value)
    # Reading `port` validates it.
    if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
        raise ValueError
    return value.rstrip("/")


def _socket_address(value: str) -> str:
    return _web_address(value, ("ws", "wss"))


def _database(value: str) -> str:
    """Refuses in-memory SQLite, which is lost with the process and differs between connections."""
    is_sqlite_file = value.startswith("sqlite:///") and value.removeprefix("sqlite:///") not in ("", ":memory:")
    if not is_sqlite_file and not (value.startswith("postgresql+psycopg://") and urlsplit(value).port != 0):
        raise ValueError
    return value


def _objects(value: str) -> str:
    if not value.startswith(("file:", "s3://")):
        raise ValueError
    return value


def _aes_key(value: str) -> SecretStr:
    try:
        if value and len(base64.b64decode(value + "=")) != 32:
            raise ValueError
    except binascii.Error as error:
        raise ValueError from error
    if value and len(value) != 43:
        raise ValueError
    return SecretStr(value)


def _secret_key(value: str) -> SecretStr:
    if 0 < len(value) < MIN_SECRET_KEY_LENGTH:
        raise ValueError
    return SecretStr(value)


def _fallbacks(value: str) -> tuple[SecretStr, ...]:
    """Splits at separators before a scheme, because a URL may contain commas itself."""
    urls = [url.strip() for url in re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", value.strip()) if url.strip()]
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S", url) for url in urls):
        raise ValueError
    return tuple(SecretStr(url) for url in urls)


def _names(value: str) -> tuple[str, ...]:
    return tuple(piece.strip() for piece in value.replace("\n", ",").split(",") if piece.strip())


def _hosts(value: str) -> tuple[str, ...]:
    """Host names with an optional port; a leading `*` matches any prefix."""
    hosts = _names(value)
    if not all(re.fullmatch(r"(\*|(\*\.)?[\w-]+(\.[\w-]+)*)(:\d+)?", each) for each in hosts):
        raise ValueError
    return hosts


def _port(value: str) -> int:
    if not value.isdigit() or not 0 <= int(value) <= 65535:
        raise ValueError
    return int(value)


def _megabytes(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ValueError
    return int(value)


def _agent(value: str) -> int | None:
    if value and not value.isdigit():
        raise ValueError
    return int(value) if value else None


DatabaseUrl = Annotated[str, BeforeValidator(_database)]
ObjectStoreUrl = Annotated[str, BeforeValidator(_objects)]
LogFormat = Literal["text", "json"]
Port = Annotated[int, BeforeValidator(_port)]
Megabytes = Annotated[int, BeforeValidator(_megabytes)]
TimeZone = Annotated[ZoneInfo, BeforeValidator(_zone)]
AgentId = Annotated[int | None, BeforeValidator(_agent)]
Secret = Annotated[SecretStr, BeforeValidator(SecretStr)]
SecretKey = Annotated[SecretStr, BeforeValidator(_secret_key)]
AesKey = Annotated[SecretStr, BeforeValidator(_aes_key)]
FallbackUrls = Annotated[tuple[SecretStr, ...], BeforeValidator(_fallbacks)]
HttpUrl = Annotated[str, BeforeValidator(_web_address)]
WebSocketUrl = Annotated[str, BeforeValidator(_socket_address)]
OptionalHttpUrl = Annotated[str, BeforeValidator(lambda value: _web_address(value) if value else "")]
HostPatterns = Annotated[tuple[str, ...], BeforeValidator(_hosts)]
NameList = Annotated[tuple[str, ...], BeforeValidator(_names)]
