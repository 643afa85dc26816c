"""By which line a person can be reached. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar


class Open(Protocol):
    """A line as reaching sees it."""

    @property
    def realm(self) -> str:
        """Whose accounts it knows people by."""


L = TypeVar("L", bound=Open)


def ordered(lines: Sequence[L], accounts: Mapping[str, str]) -> list[tuple[L, str]]:
    """The lines to try for a person who has these accounts, by realm; the best first."""
    return [(line, accounts[line.realm]) for line in lines if line.realm in accounts]
