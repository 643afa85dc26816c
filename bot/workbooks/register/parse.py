"""The register workbook as its author meant it: rows of typed values, and every cell that is not understood."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.texts import say
from bot.workbooks.register.result import CellError, ImportRefusal
from bot.workbooks.register.row_checks import ROW_CHECKS
from bot.workbooks.register.schema import SHEETS_BY_TITLE, Column, Sheet
from bot.workbooks.register.xlsx_reader import HEADING_SEARCH_ROWS, Grid, UncalculatedFormula, read_grids


@dataclass
class ParsedRow:
    """One understood row: Excel's row number and the value of every field whose column is there."""

    number: int
    values: dict[str, Any]

    def get(self, field: str) -> Any:
        """The value of a field, None where its column is missing."""
        return self.values.get(field)


@dataclass
class ParsedSheet:
    """One known sheet of a workbook. `mentioned` holds the first key of every row, also of refused ones."""

    title: str
    rows: list[ParsedRow] = field(default_factory=list)
    rows_read: int = 0
    mentioned_keys: set[Any] = field(default_factory=set)


@dataclass
class ParsedRegister:
    """A whole workbook, read without asking the database anything.

    `misread` is set when a sheet could not be read at all, so that nothing can be said of what refers to it.
    """

    sheets: dict[str, ParsedSheet] = field(default_factory=dict)
    refusals: list[ImportRefusal] = field(default_factory=list)
    unknown_sheets: list[str] = field(default_factory=list)
    unknown_columns: list[tuple[str, str]] = field(default_factory=list)
    has_unreadable_sheet: bool = False

    def rows(self, title: str) -> list[ParsedRow]:
        """The understood rows of a sheet, none where the sheet is missing."""
        return self.sheets[title].rows if title in self.sheets else []

    def mentions(self, title: str, key: Any) -> bool:
        """True if a sheet names this thing, be it in a row that is refused."""
        return title in self.sheets and key in self.sheets[title].mentioned_keys


def parse_register(path: str | Path) -> ParsedRegister:
    """Read and check a register workbook. Never raises for what is in the file: see `refusals`."""
    path, parsed = Path(path), ParsedRegister()
    try:
        grids = read_grids(path, SHEETS_BY_TITLE)
    except CellError as problem:
        return _unreadable(parsed, problem)
    for grid in grids:
        parse_sheet(grid, parsed, path.parent)
    if not parsed.sheets:
        return _unreadable(parsed, CellError("register.no_known_sheet", sheets="、".join(SHEETS_BY_TITLE)))
    return parsed


def parse_sheet(grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
    """Read one sheet into `parsed`; what its cells call files lies in `folder`."""
    title = grid.title.strip()
    if title not in SHEETS_BY_TITLE or title in parsed.sheets:
        parsed.unknown_sheets.append(grid.title)
    elif grid.rows:
        parsed.sheets[title] = ParsedSheet(title)
        _SheetReader(SHEETS_BY_TITLE[title], grid, parsed, folder).read()


def _unreadable(parsed: ParsedRegister, problem: CellError) -> ParsedRegister:
    parsed.refusals.append(ImportRefusal(None, None, None, None, problem.reason))
    parsed.has_unreadable_sheet = True
    return parsed


class _SheetReader:
    def __init__(self, sheet: Sheet, grid: Grid, parsed: ParsedRegister, folder: Path) -> None:
        self.sheet, self.grid, self.parsed, self.folder = sheet, grid, parsed, folder
        self.into = parsed.sheets[sheet.title]
        self.columns: dict[str, int] = {}
        self.seen: dict[tuple[Any, ...], int] = {}

    def read(self) -> None:
        """Find the headings, then take every row below them that is not empty."""
        heading = self._heading_row()
        if heading is None:
            return
        for number in range(heading + 1, len(self.grid.rows) + 1):
            if self._is_filled(number):
                self.into.rows_read += 1
                self._take(number)

    def _heading_row(self) -> int | None:
        fewest: list[str] = list(self.sheet.required_headings)
        for number in range(1, min(HEADING_SEARCH_ROWS, len(self.grid.rows)) + 1):
            titles = [_heading(value) for value in self.grid.rows[number - 1]]
            lacking = [title for title in self.sheet.required_headings if title not in titles]
            if not lacking:
                return number if self._set_columns(titles) else None
            fewest = min(fewest, lacking, key=len)
        self._refuse_sheet("register.no_headings", columns="、".join(fewest), rows=HEADING_SEARCH_ROWS)
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
        return any(not _is_empty(values[index - 1]) for index in self.columns.values() if index <= len(values))

    def _take(self, number: int) -> None:
        before = len(self.parsed.refusals)
        row = ParsedRow(number, {})
        for column in self.sheet.columns:
            if column.title in self.columns:
                self._take_cell(row, column)
        if self.sheet.columns[0].field in row.values:
            self.into.mentioned_keys.add(row.values[self.sheet.columns[0].field])
        if len(self.parsed.refusals) == before:
            self._check(row)
        if len(self.parsed.refusals) == before:
            self.into.rows.append(row)

    def _take_cell(self, row: ParsedRow, column: Column) -> None:
        found = self.grid.value_at(row.number, self.columns[column.title])
        try:
            row.values[column.field] = _value(column, found)
        except CellError as problem:
            self._refuse(row, column.title, problem)

    def _check(self, row: ParsedRow) -> None:
        """What only shows when the cells of a row are seen together, or the rows of a sheet."""
        for field_name, problem in ROW_CHECKS.get(self.sheet.title, _nothing)(row.values, self.folder):
            self._refuse(row, self.sheet.title_of(field_name), problem)
        key = tuple(row.get(field_name) for field_name in self.sheet.key_fields)
        first = self.seen.setdefault(key, row.number) if key else row.number
        if first != row.number:
            self._refuse(
                row, self.sheet.title_of(self.sheet.key_fields[-1]), CellError("register.duplicate_row", row=first)
            )

    def _refuse(self, row: ParsedRow, column: str, problem: CellError) -> None:
        found = self.grid.value_at(row.number, self.columns[column]) if column in self.columns else None
        text = "" if found is None else str(found)
        self.parsed.refusals.append(ImportRefusal(self.sheet.title, row.number, column, text, problem.reason))


def _nothing(_values: dict[str, Any], _folder: Path) -> list[tuple[str, CellError]]:
    return []


def _heading(value: Any) -> str:
    return "".join(unicodedata.normalize("NFKC", str(value)).split()) if value is not None else ""


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _value(column: Column, found: Any) -> Any:
    if isinstance(found, UncalculatedFormula):
        raise CellError("register.formula_not_calculated")
    if not _is_empty(found):
        return column.parse(found)
    if column.required:
        raise CellError("register.required")
    return list(column.default) if isinstance(column.default, list) else column.default
