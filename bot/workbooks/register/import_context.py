"""The state that the steps of one import share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from bot.texts import say
from bot.workbooks.register.cells import name_key
from bot.workbooks.register.enterprise_names import EnterpriseNames
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
    # Person id -> the row of 人员 that was matched with the person.
    row_of_person: dict[int, int] = field(default_factory=dict)

    @cached_property
    def enterprise_names(self) -> EnterpriseNames:
        """The enterprises by name, those of the workbook included: used once the sheet 企业 is applied."""
        return EnterpriseNames(self.store, self.enterprises.values())

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

    def resolve_enterprise(self, sheet_title: str, row: ParsedRow, field: str, text: str) -> Enterprise | None:
        """The enterprise with a code or a unique name; refuses an unknown or ambiguous one."""
        try:
            return self.enterprise_names.resolve(text)
        except CellError as error:
            # An enterprise that is missing only because of a refused row of 企业 is not refused again here.
            is_mentioned = any(self.parsed.mentions(ENTERPRISES, key) for key in (text, name_key(text)))
            if self.enterprise_names.is_known(text) or not is_mentioned:
                column = SHEETS_BY_TITLE[sheet_title].title_of(field)
                self.result.refuse(sheet_title, row.number, column, text, error)
            return None


def update_fields(model: object, values: dict[str, Any]) -> bool:
    """Set the fields that differ; True if any did."""
    differing = [(name, value) for name, value in values.items() if getattr(model, name) != value]
    for name, value in differing:
        setattr(model, name, value)
    return bool(differing)


def present_fields(row: ParsedRow, fields: Iterable[str]) -> dict[str, Any]:
    """The given fields whose column is in the sheet."""
    return {field: row.values[field] for field in fields if field in row.values}
