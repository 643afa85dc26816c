"""What the parts of one import share while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.texts import say
from bot.workbooks.register.parse import ParsedRegister, Row
from bot.workbooks.register.result import CellProblem, Outcome
from bot.workbooks.register.schema import ENTERPRISES, GROUPS, SHEET
from storage.db.models import Enterprise, GroupChat
from storage.store import Store


@dataclass
class Work:
    """One import: what was read, where it goes, what came of it, and what is known by now."""

    parsed: ParsedRegister
    store: Store
    now: datetime
    outcome: Outcome
    groups: dict[str, GroupChat]
    enterprises: dict[str, Enterprise]

    def rows(self, title: str) -> list[Row]:
        """The understood rows of a sheet."""
        return self.parsed.rows(title)

    def refuse(self, title: str, row: Row, field: str, key: str, found: object = None, **params: Any) -> None:
        """Refuse a cell for what stands elsewhere."""
        shown = row.get(field) if found is None else found
        self.outcome.refuse(title, row.number, SHEET[title].title_of(field), shown, CellProblem(key, **params))

    def warn(self, key: str, **params: Any) -> None:
        """Tell the office something that is no reason to refuse."""
        self.outcome.warnings.append(say(key, **params))

    def group(self, row: Row) -> GroupChat | None:
        """The group a row of 企业 names; refuses one that is nowhere."""
        name = row.get("group")
        if name and name not in self.groups and not self.parsed.mentions(GROUPS, name):
            self.refuse(ENTERPRISES, row, "group", "register.no_such_group")
        return self.groups.get(name) if name else None

    def enterprise(self, title: str, row: Row, field: str, code: str) -> Enterprise | None:
        """The enterprise a row names by its code; refuses one that is nowhere."""
        if code not in self.enterprises and not self.parsed.mentions(ENTERPRISES, code):
            self.refuse(title, row, field, "register.no_such_enterprise", found=code, code=code)
        return self.enterprises.get(code)


def update(thing: object, values: dict[str, Any]) -> bool:
    """Set what differs; True if anything did."""
    differing = [(name, value) for name, value in values.items() if getattr(thing, name) != value]
    for name, value in differing:
        setattr(thing, name, value)
    return bool(differing)


def picked(row: Row, fields: Iterable[str]) -> dict[str, Any]:
    """Those of the fields for which the sheet has a column."""
    return {field: row.values[field] for field in fields if field in row.values}
