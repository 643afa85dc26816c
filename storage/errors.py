"""What can go wrong below the bot, as a short tree.

    StorageError
    ├── DatabaseAway       the database does not answer now; try again
    ├── SchemaMismatch     the database is older or newer than this program
    └── Refused            a person asked for something that cannot be; the text key says what

`Refused` carries a text key and parameters, so that every sentence stands in one file.
"""

from __future__ import annotations

from typing import Any


class StorageError(Exception):
    """Anything the remembered state cannot do."""


class DatabaseUnavailable(StorageError):
    """The database did not answer; the caller may try again later."""


class SchemaMismatch(StorageError):
    """The schema found is not the one this program was written for."""

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(f"schema {found or 'none'} found, {expected} expected")
        self.found, self.expected = found, expected


class OperationRefused(StorageError):
    """A request that is understood and cannot be granted; `key` names the sentence for the person."""

    def __init__(self, text_key: str, **params: Any) -> None:
        super().__init__(text_key, params)
        self.text_key, self.params = text_key, params
