"""The criteria of major hazards: standard and clause, as data with the dates between which they hold. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("criteria.toml")


@dataclass(frozen=True)
class Standard:
    """A standard in force from `since` until `until` (None = still), and its clauses as people write them."""

    name: str
    title: str
    since: date
    until: date | None
    clauses: tuple[str, ...]

    def in_force(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria as they are stored: standard and clause."""
        return tuple(f"{self.name} {clause}" for clause in self.clauses)


@cache
def standards() -> tuple[Standard, ...]:
    """Every known standard, the newest first."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))["standard"]
    return tuple(
        Standard(
            table["name"],
            table["title"],
            table["from"],
            table.get("until"),
            tuple(
                table["clause"].format(chapter=chapter, item=item)
                for chapter, count in table["chapters"].items()
                for item in range(1, count + 1)
            ),
        )
        for table in tables
    )


def criteria_on(day: date) -> tuple[str, ...]:
    """The criteria by which a hazard found on that day may be major."""
    return tuple(each for standard in standards() if standard.in_force(day) for each in standard.criteria)


def find_criterion(text: str, day: date) -> str | None:
    """The criterion that a text names, whatever its spaces and brackets; None if none in force on that day is meant."""
    wanted = _normalized(text)
    return next((each for each in criteria_on(day) if _normalized(each) == wanted), None)


def _normalized(text: str) -> str:
    return re.sub(r"[\s〔〕\[\]()（）条款项第]", "", text).upper().replace("—", "-")
