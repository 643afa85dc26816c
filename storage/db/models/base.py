"""The declarative base and the column types."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Date, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator


def random_id() -> str:
    """The id by which a link names a row. It cannot be guessed, even with the key that signs links."""
    return secrets.token_urlsafe(16)


def quoted(values: Iterable[str]) -> str:
    """Words as a list of SQL literals, for a check."""
    return ",".join(f"'{value}'" for value in values)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, stored as UTC. SQLite stores no zone, so without this type values would come back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive instant must not be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return instant


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime,
        date: Date,
        str: Text,
        list[str]: JSON,
        list[int]: JSON,
        list[Any]: JSON,
        dict[str, Any]: JSON,
    }


# SQLite generates ids only for INTEGER primary keys; PostgreSQL needs BIGINT for 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")
