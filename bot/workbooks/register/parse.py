"""Parses the register workbook into rows of typed values, and lists every cell it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.texts import say
from bot.workbooks.register import cells
from bot.workbooks.register.grids import Grid, Limits, UncalculatedFormula, read_grids
from bot.workbooks.register.headings import Headings, find_headings, sheet_title
from bot.workbooks.register.result import CellError, ImportRefusal, sheet_label, shortened_list
from bot.workbooks.register.row_checks import ROW_CHECKS
from bot.workbooks.register.schema import (
    ENTERPRISES,
    EXAMPLE_PREFIX,
    SHEET_TITLE_BY_NAME,
    SHEETS_BY_TITLE,
    Column,
    Sheet,
)

# By what other rows may call a row of the sheet, besides its first field.
_NAME_FIELDS = {ENTERPRISES: ("name", "short_name")}


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
    """One sheet of the register. `mentioned_keys` holds what other rows may call each row, also the refused ones."""

    title: str
    rows: list[ParsedRow] = field(default_factory=list)
    rows_read: int = 0
    mentioned_keys: set[Any] = field(default_factory=set)


@dataclass
class ParsedRegister:
    """A whole workbook, parsed without the database.

    `hidden_sheets` are not read; hidden rows and columns are, with a warning. `notes` tell which sheets and columns
    were recognized by another name. With `has_unreadable_sheet` references to rows of that sheet cannot be checked.
    """

    sheets: dict[str, ParsedSheet] = field(default_factory=dict)
    refusals: list[ImportRefusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hidden_sheets: list[str] = field(default_factory=list)
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
        grids = read_grids(path, list(SHEET_TITLE_BY_NAME), limits)
    except CellError as error:
        return unreadable(parsed, error)
    for grid in grids:
        title = sheet_title(grid, grids)
        if grid.hidden.sheet:
            parsed.hidden_sheets.append(grid.title)
        elif title is None:
            parsed.unknown_sheets.append(grid.title)
        elif title in parsed.sheets:
            return unreadable(parsed, CellError("register.sheet_twice", sheet=grid.title, title=title))
        elif grid.rows:
            parse_sheet(title, grid, parsed, path.parent)
    if not parsed.sheets:
        return unreadable(parsed, CellError("register.no_known_sheet", sheets="、".join(SHEETS_BY_TITLE)))
    return parsed


def parse_sheet(title: str, grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
    """Parse a sheet of the register into `parsed`. The files that its cells name are in `folder`."""
    if grid.title.strip() != title:
        parsed.notes.append(say("register.sheet_read_as", name=grid.title.strip(), title=title))
    parse_grid(SHEETS_BY_TITLE[title], grid, parsed, folder)


def parse_grid(sheet: Sheet, grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
    """Parse a grid into `parsed` as this sheet."""
    parsed.sheets[sheet.title] = ParsedSheet(sheet.title)
    _SheetReader(sheet, grid, parsed, folder).read()


def unreadable(parsed: ParsedRegister, error: CellError) -> ParsedRegister:
    """`parsed` with what is wrong with the whole file."""
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
        try:
            headings = find_headings(self.sheet, self.grid)
        except CellError as error:
            self.parsed.refusals.append(ImportRefusal(self.sheet.title, None, None, None, error.reason))
            self.parsed.has_unreadable_sheet = True
            return
        self._tell_of_headings(headings)
        filled = [number for number in range(headings.row + 1, len(self.grid.rows) + 1) if self._is_filled(number)]
        self._warn_of_hidden(filled)
        self.parsed_sheet.rows_read = len(filled)
        for number in filled:
            self._read_row(number)

    def _tell_of_headings(self, headings: Headings) -> None:
        self.columns = headings.columns
        self.parsed.unknown_columns += [(self.sheet.title, heading) for heading in headings.unknown]
        self.parsed.notes += [
            say("register.column_read_as", sheet=sheet_label(self.sheet.title), heading=heading, title=title)
            for heading, title in headings.read_as.items()
        ]

    def _warn_of_hidden(self, filled: list[int]) -> None:
        sheet, hidden = sheet_label(self.sheet.title), self.grid.hidden
        if rows := [str(number) for number in sorted(set(filled) & set(hidden.rows))]:
            self.parsed.warnings.append(say("register.hidden_rows", sheet=sheet, rows=shortened_list(rows)))
        if columns := [title for title, index in self.columns.items() if index in hidden.columns]:
            self.parsed.warnings.append(say("register.hidden_columns", sheet=sheet, columns=columns))

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
        keys = self.parsed_sheet.mentioned_keys
        if self.sheet.columns[0].field in row.values:
            keys.add(row.values[self.sheet.columns[0].field])
        keys.update(
            cells.name_key(row.get(field)) for field in _NAME_FIELDS.get(self.sheet.title, ()) if row.get(field)
        )
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
