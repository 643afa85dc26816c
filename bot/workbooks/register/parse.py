"""Parses the register workbook into rows of typed values, and lists every cell it refuses."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.texts import say
from bot.workbooks.register.grids import HEADING_SEARCH_ROWS, Grid, Limits, UncalculatedFormula, read_grids
from bot.workbooks.register.result import CellError, ImportRefusal
from bot.workbooks.register.row_checks import ROW_CHECKS
from bot.workbooks.register.schema import EXAMPLE_PREFIX, SHEETS_BY_TITLE, Column, Sheet


@dataclass
class ParsedRow:
    """One valid row: Excel's row number and the value of every field whose column exists."""

    number: int
    values: dict[str, Any]

    def get(self, field: str) -> Any:
        """The value of a field; None where its column is missing."""
        return self.values.get(field)


@dataclass
class ParsedSheet:
    """One sheet of the register. `mentioned_keys` holds the first key of every row, also of refused ones."""

    title: str
    rows: list[ParsedRow] = field(default_factory=list)
    rows_read: int = 0
    mentioned_keys: set[Any] = field(default_factory=set)


@dataclass
class ParsedRegister:
    """A whole workbook, parsed without the database.

    With `has_unreadable_sheet` references to rows of that sheet cannot be checked.
    """

    sheets: dict[str, ParsedSheet] = field(default_factory=dict)
    refusals: list[ImportRefusal] = field(default_factory=list)
    unknown_sheets: list[str] = field(default_factory=list)
    unknown_columns: list[tuple[str, str]] = field(default_factory=list)
    has_unreadable_sheet: bool = False

    def rows(self, title: str) -> list[ParsedRow]:
        """The valid rows of a sheet; none where the sheet is missing."""
        return self.sheets[title].rows if title in self.sheets else []

    def mentions(self, title: str, key: Any) -> bool:
        """Whether a row of the sheet has this key, be it a refused one."""
        return title in self.sheets and key in self.sheets[title].mentioned_keys


def parse_register(path: str | Path, limits: Limits = Limits()) -> ParsedRegister:  # noqa: B008 - it is immutable
    """Read and check a register workbook. What is wrong with the file is in `refusals`.

    Raises OSError if there is no sandbox process.
    """
    path, parsed = Path(path), ParsedRegister()
    try:
        grids = read_grids(path, list(SHEETS_BY_TITLE), limits)
    except CellError as error:
        return _unreadable(parsed, error)
    for grid in grids:
        parse_sheet(grid, parsed, path.parent)
    if not parsed.sheets:
        return _unreadable(parsed, CellError("register.no_known_sheet", sheets="、".join(SHEETS_BY_TITLE)))
    return parsed


def parse_sheet(grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
    """Parse one sheet into `parsed`. The files that its cells name are in `folder`."""
    title = grid.title.strip()
    if title not in SHEETS_BY_TITLE or title in parsed.sheets:
        parsed.unknown_sheets.append(grid.title)
    elif grid.rows:
        parsed.sheets[title] = ParsedSheet(title)
        _SheetReader(SHEETS_BY_TITLE[title], grid, parsed, folder).read()


def _unreadable(parsed: ParsedRegister, error: CellError) -> ParsedRegister:
    parsed.refusals.append(ImportRefusal(None, None, None, None, error.reason))
    parsed.has_unreadable_sheet = True
    return parsed


class _SheetReader:
    def __init__(self, sheet: Sheet, grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
        self.sheet, self.grid, self.parsed, self.folder = sheet, grid, parsed, folder
        self.parsed_sheet = parsed.sheets[sheet.title]
        self.columns: dict[str, int] = {}
        self.row_of_key: dict[tuple[Any, ...], int] = {}

    def read(self) -> None:
        """Find the headings, then parse every row below them that is not empty."""
        heading = self._heading_row()
        if heading is None:
            return
        for number in range(heading + 1, len(self.grid.rows) + 1):
            if self._is_filled(number):
                self.parsed_sheet.rows_read += 1
                self._read_row(number)

    def _heading_row(self) -> int | None:
        fewest_missing: list[str] = list(self.sheet.required_headings)
        for number in range(1, min(HEADING_SEARCH_ROWS, len(self.grid.rows)) + 1):
            titles = [_heading(value) for value in self.grid.rows[number - 1]]
            missing = [title for title in self.sheet.required_headings if title not in titles]
            if not missing:
                return number if self._set_columns(titles) else None
            fewest_missing = min(fewest_missing, missing, key=len)
        self._refuse_sheet("register.no_headings", columns="、".join(fewest_missing), rows=HEADING_SEARCH_ROWS)
        return None

    def _set_columns(self, titles: list[str]) -> bool:
        known = {column.title for column in self.sheet.columns}
        for index, title in enumerate(titles, 1):
            if title in known and title in self.columns:
                self._refuse_sheet("register.duplicate_column", column=title)
                return False
            if title in known:
                self.columns[title] = index
            elif title:
                self.parsed.unknown_columns.append((self.sheet.title, title))
        return True

    def _refuse_sheet(self, key: str, **params: Any) -> None:
        self.parsed.refusals.append(ImportRefusal(self.sheet.title, None, None, None, say(key, **params)))
        self.parsed.has_unreadable_sheet = True

    def _is_filled(self, number: int) -> bool:
        values = self.grid.rows[number - 1]
        if values and str(values[0]).startswith(EXAMPLE_PREFIX):
            return False
        return any(not _is_empty(values[index - 1]) for index in self.columns.values() if index <= len(values))

    def _read_row(self, number: int) -> None:
        before = len(self.parsed.refusals)
        row = ParsedRow(number, {})
        for column in self.sheet.columns:
            if column.title in self.columns:
                self._read_cell(row, column)
        if self.sheet.columns[0].field in row.values:
            self.parsed_sheet.mentioned_keys.add(row.values[self.sheet.columns[0].field])
        if len(self.parsed.refusals) == before:
            self._check(row)
        if len(self.parsed.refusals) == before:
            self.parsed_sheet.rows.append(row)

    def _read_cell(self, row: ParsedRow, column: Column) -> None:
        try:
            row.values[column.field] = _parse_cell(column, self.grid.value_at(row.number, self.columns[column.title]))
        except CellError as error:
            self._refuse(row, column.title, error)

    def _check(self, row: ParsedRow) -> None:
        """Check the cells of a row together, and its key against the rows above."""
        check = ROW_CHECKS.get(self.sheet.title)
        for field_name, error in check(row.values, self.folder) if check else ():
            self._refuse(row, self.sheet.title_of(field_name), error)
        key = tuple(row.get(field_name) for field_name in self.sheet.key_fields)
        first = self.row_of_key.setdefault(key, row.number) if key else row.number
        if first != row.number:
            self._refuse(
                row, self.sheet.title_of(self.sheet.key_fields[-1]), CellError("register.duplicate_row", row=first)
            )

    def _refuse(self, row: ParsedRow, column: str, error: CellError) -> None:
        value = self.grid.value_at(row.number, self.columns[column]) if column in self.columns else None
        text = "" if value is None else str(value)
        self.parsed.refusals.append(ImportRefusal(self.sheet.title, row.number, column, text, error.reason))


def _heading(value: Any) -> str:
    return "".join(unicodedata.normalize("NFKC", str(value)).split()) if value is not None else ""


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _parse_cell(column: Column, value: Any) -> Any:
    if isinstance(value, UncalculatedFormula):
        raise CellError("register.formula_not_calculated")
    if not _is_empty(value):
        return column.parse(value)
    if column.required:
        raise CellError("register.required")
    return list(column.default) if isinstance(column.default, list) else column.default
