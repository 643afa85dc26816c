"""Reads an .xlsx file into plain grids of values. The file is untrusted."""

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

HEADING_SEARCH_ROWS = 5
MAX_COLUMNS = 60
_MAX_BLANK_ROWS = 1_048_576
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
# The start of a row of a sheet, or of an entry of the shared strings.
_ELEMENT_START = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")
_CHUNK_BYTES, _OVERLAP_BYTES = 1 << 20, 256

CellValues = tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """The size up to which a workbook is read; a larger one is refused before it fills the memory."""

    file_bytes: int = 50 * 1024 * 1024
    unpacked_bytes: int = 400 * 1024 * 1024
    row_bytes: int = 8 * 1024 * 1024
    rows: int = 50_000
    chunk_bytes: int = _CHUNK_BYTES


class UncalculatedFormula:
    """The value of a cell whose formula has no stored result."""

    def __str__(self) -> str:
        return "=…"


@dataclass
class Grid:
    """One sheet: `rows[i]` are the values of Excel's row i+1. `merged_cells` maps a covered cell to the visible one."""

    title: str
    rows: list[CellValues]
    merged_cells: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def value_at(self, row: int, column: int) -> Any:
        """The visible value of a cell; row and column count from 1."""
        row, column = self.merged_cells.get((row, column), (row, column))
        values = self.rows[row - 1] if row <= len(self.rows) else ()
        return values[column - 1] if column <= len(values) else None


def read_grids(path: Path, sheet_titles: Container[str], limits: Limits) -> list[Grid]:
    """Every sheet of the workbook; those with other titles without their rows.

    Raises CellError for a file that cannot be read, and nothing else.
    """
    _check_size(path, limits)
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and extensions that it does not support.
            warnings.simplefilter("ignore")
            return _grids(path, sheet_titles, limits)
    except CellError:
        raise
    except Exception as error:
        # openpyxl raises exceptions of any type for a damaged file.
        raise CellError("register.not_a_workbook") from error


def _check_size(path: Path, limits: Limits) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(_OLE_MAGIC))
    except OSError as error:
        raise CellError("register.cannot_open", name=path.name) from error
    if size == 0:
        raise CellError("register.empty_file")
    if size > limits.file_bytes:
        raise CellError("register.too_big", megabytes=limits.file_bytes // 1024**2)
    if start == _OLE_MAGIC:
        raise CellError("register.encrypted_or_xls")


def _grids(path: Path, sheet_titles: Container[str], limits: Limits) -> list[Grid]:
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, limits)
        workbook = load_workbook(path, read_only=True, data_only=True)
        try:
            return [
                _grid(sheet, archive, limits) if sheet.title.strip() in sheet_titles else Grid(sheet.title, [])
                for sheet in workbook.worksheets
            ]
        finally:
            workbook.close()


def _check_members(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse a zip bomb: too many bytes in all, or in one row, which openpyxl loads as a whole."""
    members = archive.infolist()
    if sum(member.file_size for member in members) > limits.unpacked_bytes:
        raise CellError("register.too_big_unpacked")
    for member in members:
        if member.file_size > limits.row_bytes and _has_long_row(archive, member, limits):
            raise CellError("register.too_big_unpacked")


def _has_long_row(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bool:
    row_bytes = 0
    with archive.open(member) as file:
        while chunk := file.read(limits.chunk_bytes):
            row_bytes = 0 if _ELEMENT_START.search(chunk) else row_bytes + len(chunk)
            if row_bytes > limits.row_bytes:
                return True
    return False


def _grid(sheet: Any, archive: zipfile.ZipFile, limits: Limits) -> Grid:
    sheet.reset_dimensions()
    grid = Grid(sheet.title, _rows(sheet, limits))
    member = sheet._worksheet_path.lstrip("/")
    merged, has_formulas = _scan(archive, member)
    if has_formulas:
        _mark_uncalculated(grid, archive, member, limits)
    for reference in merged:
        _cover(grid, reference)
    return grid


def _rows(sheet: Any, limits: Limits) -> list[CellValues]:
    rows: list[CellValues] = []
    blank = 0
    for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
        if all(value is None for value in row):
            blank += 1
            if blank > _MAX_BLANK_ROWS:
                raise CellError("register.too_many_rows", sheet=sheet.title, rows=limits.rows)
            continue
        rows.extend([()] * blank)
        rows.append(row)
        blank = 0
        if len(rows) > limits.rows + HEADING_SEARCH_ROWS:
            raise CellError("register.too_many_rows", sheet=sheet.title, rows=limits.rows)
    return rows


def _scan(archive: zipfile.ZipFile, member: str) -> tuple[set[str], bool]:
    """The merged ranges of a sheet and whether it has formulas, without loading the sheet into memory."""
    merged: set[str] = set()
    formulas = False
    with archive.open(member) as file:
        for window in _overlapping_chunks(file):
            merged.update(reference.decode() for reference in _MERGED.findall(window))
            formulas = formulas or bool(_FORMULA.search(window))
    return merged, formulas


def _overlapping_chunks(file: IO[bytes]) -> Iterator[bytes]:
    tail = b""
    while chunk := file.read(_CHUNK_BYTES):
        yield tail + chunk
        tail = chunk[-_OVERLAP_BYTES:]


def _cover(grid: Grid, reference: str) -> None:
    left, top, right, bottom = range_boundaries(reference)
    if left is None or top is None or right is None or bottom is None:
        return
    for row in range(top, min(bottom, len(grid.rows)) + 1):
        for column in range(left, min(right, MAX_COLUMNS) + 1):
            grid.merged_cells[row, column] = (top, left)


def _mark_uncalculated(grid: Grid, archive: zipfile.ZipFile, member: str, limits: Limits) -> None:
    """Mark formulas without a result: openpyxl reads them as empty. t="str" is a result that is empty text."""
    with archive.open(member) as file:
        for _, element in iterparse(file):
            if element.tag.rpartition("}")[2] != "c":
                continue
            children = {child.tag.rpartition("}")[2]: child.text for child in element}
            if "f" in children and not children.get("v") and element.get("t") != "str" and element.get("r"):
                row, column = coordinate_to_tuple(element.get("r"))
                if row <= limits.rows and column <= MAX_COLUMNS:
                    _mark(grid, row, column)
            element.clear()


def _mark(grid: Grid, row: int, column: int) -> None:
    grid.rows.extend([()] * (row - len(grid.rows)))
    values = list(grid.rows[row - 1])
    values.extend([None] * (column - len(values)))
    values[column - 1] = UncalculatedFormula()
    grid.rows[row - 1] = tuple(values)
