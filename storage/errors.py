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


class DatabaseAway(StorageError):
    """The database did not answer; the caller may try again later."""


class SchemaMismatch(StorageError):
    """The schema found is not the one this program was written for."""

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(f"schema {found or 'none'} found, {expected} expected")
        self.found, self.expected = found, expected


class Refused(StorageError):
    """A request that is understood and cannot be granted; `key` names the sentence for the person."""

    def __init__(self, key: str, **params: Any) -> None:
        super().__init__(key, params)
        self.key, self.params = key, params
