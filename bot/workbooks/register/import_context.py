"""The state that the steps of one import share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.texts import say
from bot.workbooks.register.parse import ParsedRegister, ParsedRow
from bot.workbooks.register.result import CellError, ImportResult
from bot.workbooks.register.schema import ENTERPRISES, GROUPS, SHEETS_BY_TITLE
from storage.db.models import Enterprise, GroupChat
from storage.store import Store


@dataclass
class ImportContext:
    """One import: the parsed register, the store, the result so far, the known groups and enterprises.

    Without `may_appoint`, what concerns APPOINTED_ROLES is refused.
    """

    parsed: ParsedRegister
    store: Store
    now: datetime
    result: ImportResult
    groups: dict[str, GroupChat]
    enterprises: dict[str, Enterprise]
    may_appoint: bool

    def rows(self, title: str) -> list[ParsedRow]:
        """The valid rows of a sheet."""
        return self.parsed.rows(title)

    def refuse(
        self, sheet_title: str, row: ParsedRow, field: str, text_key: str, cell_value: object = None, **params: Any
    ) -> None:
        """Refuse a valid cell because of other rows or of the database."""
        shown = row.get(field) if cell_value is None else cell_value
        self.result.refuse(
            sheet_title, row.number, SHEETS_BY_TITLE[sheet_title].title_of(field), shown, CellError(text_key, **params)
        )

    def warn(self, text_key: str, **params: Any) -> None:
        """Add a warning to the result."""
        self.result.warnings.append(say(text_key, **params))

    def resolve_group(self, row: ParsedRow) -> GroupChat | None:
        """The group of a row of 企业; refuses an unknown one."""
        name = row.get("group")
        if name and name not in self.groups and not self.parsed.mentions(GROUPS, name):
            self.refuse(ENTERPRISES, row, "group", "register.no_such_group")
        return self.groups.get(name) if name else None

    def resolve_enterprise(self, sheet_title: str, row: ParsedRow, field: str, code: str) -> Enterprise | None:
        """The enterprise with a code; refuses an unknown one."""
        if code not in self.enterprises and not self.parsed.mentions(ENTERPRISES, code):
            self.refuse(sheet_title, row, field, "register.no_such_enterprise", cell_value=code, code=code)
        return self.enterprises.get(code)


def update_fields(model: object, values: dict[str, Any]) -> bool:
    """Set the fields that differ; True if any did."""
    differing = [(name, value) for name, value in values.items() if getattr(model, name) != value]
    for name, value in differing:
        setattr(model, name, value)
    return bool(differing)


def present_fields(row: ParsedRow, fields: Iterable[str]) -> dict[str, Any]:
    """The given fields whose column is in the sheet."""
    return {field: row.values[field] for field in fields if field in row.values}
