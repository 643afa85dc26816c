"""Errors below `bot`.

StorageError
├── DatabaseUnavailable  the database does not answer; try again later
├── SchemaMismatch       the database is older or newer than this program
└── OperationRefused     a request that cannot be granted; has the text key of the explanation
"""

from __future__ import annotations

from typing import Any


class StorageError(Exception):
    """Base of the errors of this package."""


class DatabaseUnavailable(StorageError):
    """The database does not answer; the caller may try again later."""


class SchemaMismatch(StorageError):
    """`found` is None for a database without a schema."""

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(f"schema {found or 'none'} found, {expected} expected")
        self.found, self.expected = found, expected


class OperationRefused(StorageError):
    """A valid request that cannot be granted; `text_key` and `params` make the sentence for the person."""

    def __init__(self, text_key: str, **params: Any) -> None:
        super().__init__(text_key, params)
        self.text_key, self.params = text_key, params
