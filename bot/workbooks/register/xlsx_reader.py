"""An .xlsx file as plain grids of values, whatever is in it; the only code that meets a stranger's file."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from bot.workbooks.register.result import CellError

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_ROWS = 50_000
HEADING_SEARCH_ROWS = 5
MAX_COLUMNS = 60
MAX_BLANK_ROWS = 1_048_576
MAX_ROW_BYTES = 8 * 1024 * 1024
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
# Where a row of a sheet or a text of the table of texts begins.
_PIECE = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")
_CHUNK, _OVERLAP = 1 << 20, 256

CellValues = tuple[Any, ...]


class UncalculatedFormula:
    """Stands in a cell whose formula nobody has calculated yet."""

    def __str__(self) -> str:
        return "=…"


@dataclass
class Grid:
    """One sheet: `rows[i]` are the values of Excel's row i+1; `merged` maps a covered cell to the one that shows."""

    title: str
    rows: list[CellValues]
    merged_cells: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def value_at(self, row: int, column: int) -> Any:
        """The value people see at a place; both count from 1."""
        row, column = self.merged_cells.get((row, column), (row, column))
        values = self.rows[row - 1] if row <= len(self.rows) else ()
        return values[column - 1] if column <= len(values) else None


def read_grids(path: Path, sheet_titles: Container[str]) -> list[Grid]:
    """Every sheet of the workbook, those not wanted without their rows.

    Raises CellProblem with what is wrong with the file, and nothing else.
    """
    _check_size(path)
    try:
        with warnings.catch_warnings():
            # Styles and extensions we do not read are no business of the office's.
            warnings.simplefilter("ignore")
            return _grids(path, sheet_titles)
    except CellError:
        raise
    except Exception as error:
        # A damaged file makes the reader fail in any way it likes.
        raise CellError("register.not_a_workbook") from error


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(_OLE_MAGIC))
    except OSError as error:
        raise CellError("register.cannot_open", name=path.name) from error
    if size == 0:
        raise CellError("register.empty_file")
    if size > MAX_FILE_BYTES:
        raise CellError("register.too_big", megabytes=MAX_FILE_BYTES // 1024**2)
    if start == _OLE_MAGIC:
        raise CellError("register.encrypted_or_xls")


def _grids(path: Path, wanted: Container[str]) -> list[Grid]:
    with zipfile.ZipFile(path) as archive:
        _check_members(archive)
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            return [
                _grid(sheet, archive) if sheet.title.strip() in wanted else Grid(sheet.title, [])
                for sheet in book.worksheets
            ]
        finally:
            book.close()


def _check_members(archive: zipfile.ZipFile) -> None:
    """A small file can unpack to a whole memory: in all, or in one row, which is built as a whole."""
    members = archive.infolist()
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise CellError("register.too_big_unpacked")
    for member in members:
        if member.file_size > MAX_ROW_BYTES and _has_long_stretch(archive, member):
            raise CellError("register.too_big_unpacked")


def _has_long_stretch(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    stretch = 0
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            stretch = 0 if _PIECE.search(chunk) else stretch + len(chunk)
            if stretch > MAX_ROW_BYTES:
                return True
    return False


def _grid(sheet: Any, archive: zipfile.ZipFile) -> Grid:
    sheet.reset_dimensions()
    grid = Grid(sheet.title, _rows(sheet))
    member = sheet._worksheet_path.lstrip("/")
    merged, has_formulas = _scan(archive, member)
    if has_formulas:
        _mark_uncounted(grid, archive, member)
    for reference in merged:
        _cover(grid, reference)
    return grid


def _rows(sheet: Any) -> list[CellValues]:
    rows: list[CellValues] = []
    blank = 0
    for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
        if all(value is None for value in row):
            blank += 1
            if blank > MAX_BLANK_ROWS:
                raise CellError("register.too_many_rows", sheet=sheet.title, rows=MAX_ROWS)
            continue
        rows.extend([()] * blank)
        rows.append(row)
        blank = 0
        if len(rows) > MAX_ROWS + HEADING_SEARCH_ROWS:
            raise CellError("register.too_many_rows", sheet=sheet.title, rows=MAX_ROWS)
    return rows


def _scan(archive: zipfile.ZipFile, member: str) -> tuple[set[str], bool]:
    """The merged ranges of a sheet and whether it has formulas, without building the sheet in memory."""
    merged: set[str] = set()
    formulas = False
    with archive.open(member) as file:
        for window in _windows(file):
            merged.update(reference.decode() for reference in _MERGED.findall(window))
            formulas = formulas or bool(_FORMULA.search(window))
    return merged, formulas


def _windows(file: IO[bytes]) -> Iterator[bytes]:
    tail = b""
    while chunk := file.read(_CHUNK):
        yield tail + chunk
        tail = chunk[-_OVERLAP:]


def _cover(grid: Grid, reference: str) -> None:
    left, top, right, bottom = range_boundaries(reference)
    if left is None or top is None or right is None or bottom is None:
        return
    for row in range(top, min(bottom, len(grid.rows)) + 1):
        for column in range(left, min(right, MAX_COLUMNS) + 1):
            grid.merged_cells[row, column] = (top, left)


def _mark_uncounted(grid: Grid, archive: zipfile.ZipFile, member: str) -> None:
    """A formula without a result looks empty; t="str" tells a counted one whose result is empty text."""
    with archive.open(member) as file:
        for _, element in iterparse(file):
            if element.tag.rpartition("}")[2] != "c":
                continue
            children = {child.tag.rpartition("}")[2]: child.text for child in element}
            if "f" in children and not children.get("v") and element.get("t") != "str" and element.get("r"):
                _put(grid, *coordinate_to_tuple(element.get("r")))
            element.clear()


def _put(grid: Grid, row: int, column: int) -> None:
    if row > MAX_ROWS or column > MAX_COLUMNS:
        return
    grid.rows.extend([()] * (row - len(grid.rows)))
    values = list(grid.rows[row - 1])
    values.extend([None] * (column - len(values)))
    values[column - 1] = UncalculatedFormula()
    grid.rows[row - 1] = tuple(values)
