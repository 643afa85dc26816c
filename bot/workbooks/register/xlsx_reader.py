"""Reads an .xlsx file into plain grids of values. Runs only in the sandbox."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, TextIO

from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from bot.workbooks.register.grids import (
    HEADING_SEARCH_ROWS,
    MAX_COLUMNS,
    CellValues,
    Hidden,
    Limits,
    Range,
    UncalculatedFormula,
    encode_value,
)

_MAX_BLANK_ROWS = 1_048_576
_STYLES_MEMBER, _STRINGS_MEMBER = "xl/styles.xml", "xl/sharedStrings.xml"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_HIDDEN = re.compile(rb"<(?:\w+:)?(?:row|col)\s[^<>]*?hidden=\"(?:1|true)\"[^<>]*>")
_ATTRIBUTE = re.compile(rb'\s(r|min|max)="([0-9]{1,7})"')
_ELEMENT, _STRING = re.compile(rb"<[^/]"), re.compile(rb"<(?:\w+:)?si[\s/>]")
# The start of a row of a sheet, or of an entry of the shared strings.
_ELEMENT_START = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")
_CHUNK_BYTES, _OVERLAP_BYTES = 1 << 20, 256

Refusal = tuple[str, dict[str, Any]]


class _Refused(Exception):
    """A text key and its parameters."""

    def __init__(self, text_key: str, **params: Any) -> None:
        super().__init__(text_key, params)
        self.refusal: Refusal = (text_key, params)


@dataclass
class _Sheet:
    title: str
    rows: list[CellValues]
    merged: list[Range] = field(default_factory=list)
    hidden: Hidden = field(default_factory=Hidden)


def write_grids(path: str, target: str, sheet_titles: list[str], limits: dict[str, Any]) -> Refusal | None:
    """Write every sheet of the workbook to `target`, as lines of JSON; hidden ones and others without their rows.

    The result is why the file cannot be read, as a text key with its parameters, or None.
    """
    try:
        with open(target, "w", encoding="utf-8", errors="surrogatepass") as file:
            _write(file, path, sheet_titles, Limits(**limits))
    except _Refused as refused:
        return refused.refusal
    return None


def _write(file: TextIO, path: str, sheet_titles: list[str], limits: Limits) -> None:
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and extensions that it does not support.
            warnings.simplefilter("ignore")
            for sheet in _sheets(path, sheet_titles, limits):
                for each in ((sheet.title, sheet.merged, asdict(sheet.hidden)), *sheet.rows, None):
                    file.write(json.dumps(each, default=encode_value, ensure_ascii=False) + "\n")
    except (_Refused, MemoryError, RecursionError, OSError):
        raise
    except Exception as error:
        # openpyxl raises exceptions of any type for a damaged file.
        raise _Refused("register.not_a_workbook") from error


def _sheets(path: str, sheet_titles: list[str], limits: Limits) -> Iterator[_Sheet]:
    with zipfile.ZipFile(path) as archive:
        _check_members(archive, limits)
        workbook = load_workbook(path, read_only=True, data_only=True)
        try:
            for sheet in workbook.worksheets:
                hidden = sheet.sheet_state != "visible"
                if sheet.title.strip() in sheet_titles and not hidden:
                    yield _read_sheet(sheet, archive, limits)
                else:
                    yield _Sheet(sheet.title, [], hidden=Hidden(sheet=hidden))
        finally:
            workbook.close()


def _check_members(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse a zip bomb: too many bytes in all, or in one row, which openpyxl loads as a whole; too many styles."""
    members = archive.infolist()
    if len(members) > limits.members:
        raise _Refused("register.too_complex")
    if sum(member.file_size for member in members) > limits.unpacked_bytes:
        raise _Refused("register.too_big_unpacked")
    for member in members:
        if member.file_size > limits.row_bytes and _has_long_row(archive, member, limits):
            raise _Refused("register.too_big_unpacked")
        if member.filename == _STYLES_MEMBER and _count(_ELEMENT, archive, member) > limits.style_elements:
            raise _Refused("register.too_complex")
        if member.filename == _STRINGS_MEMBER and _count(_STRING, archive, member) > limits.strings:
            raise _Refused("register.too_complex")


def _count(pattern: re.Pattern[bytes], archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    with archive.open(member) as file:
        return sum(len(pattern.findall(chunk)) for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))


def _has_long_row(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bool:
    row_bytes = 0
    with archive.open(member) as file:
        while chunk := file.read(limits.chunk_bytes):
            row_bytes = 0 if _ELEMENT_START.search(chunk) else row_bytes + len(chunk)
            if row_bytes > limits.row_bytes:
                return True
    return False


def _read_sheet(worksheet: Any, archive: zipfile.ZipFile, limits: Limits) -> _Sheet:
    worksheet.reset_dimensions()
    sheet = _Sheet(worksheet.title, _rows(worksheet, limits))
    member = worksheet._worksheet_path.lstrip("/")
    merged, has_formulas, sheet.hidden = _scan(archive, member, limits)
    if len(merged) > limits.merged_ranges:
        raise _Refused("register.too_complex")
    sheet.merged = [bounds for bounds in map(range_boundaries, merged) if None not in bounds]  # type: ignore[misc]
    if has_formulas:
        _mark_uncalculated(sheet, archive, member, limits)
    return sheet


def _rows(sheet: Any, limits: Limits) -> list[CellValues]:
    rows: list[CellValues] = []
    blank = 0
    for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
        if all(value is None for value in row):
            blank += 1
            if blank > _MAX_BLANK_ROWS:
                raise _Refused("register.too_many_rows", sheet=sheet.title, rows=limits.rows)
            continue
        rows.extend([()] * blank)
        rows.append(row[: max(place for place, value in enumerate(row, 1) if value is not None)])
        blank = 0
        if len(rows) > limits.rows + HEADING_SEARCH_ROWS:
            raise _Refused("register.too_many_rows", sheet=sheet.title, rows=limits.rows)
    return rows


def _scan(archive: zipfile.ZipFile, member: str, limits: Limits) -> tuple[set[str], bool, Hidden]:
    """The merged ranges of a sheet, whether it has formulas, and what it hides, without loading it into memory."""
    merged: set[str] = set()
    rows: set[int] = set()
    columns: set[int] = set()
    formulas = False
    with archive.open(member) as file:
        for window in _overlapping_chunks(file):
            merged.update(reference.decode() for reference in _MERGED.findall(window))
            formulas = formulas or bool(_FORMULA.search(window))
            for element in _HIDDEN.findall(window):
                numbers = {name: int(number) for name, number in _ATTRIBUTE.findall(element)}
                if 0 < numbers.get(b"r", 0) <= limits.rows:
                    rows.add(numbers[b"r"])
                elif b"min" in numbers:
                    columns.update(range(numbers[b"min"], min(numbers.get(b"max", 0), MAX_COLUMNS) + 1))
    return merged, formulas, Hidden(False, sorted(rows), sorted(columns))


def _overlapping_chunks(file: IO[bytes]) -> Iterator[bytes]:
    tail = b""
    while chunk := file.read(_CHUNK_BYTES):
        yield tail + chunk
        tail = chunk[-_OVERLAP_BYTES:]


def _mark_uncalculated(sheet: _Sheet, archive: zipfile.ZipFile, member: str, limits: Limits) -> None:
    """Mark formulas without a result: openpyxl reads them as empty. t="str" is a result that is empty text."""
    with archive.open(member) as file:
        for _, element in iterparse(file):
            if element.tag.rpartition("}")[2] != "c":
                continue
            children = {child.tag.rpartition("}")[2]: child.text for child in element}
            if "f" in children and not children.get("v") and element.get("t") != "str" and element.get("r"):
                row, column = coordinate_to_tuple(element.get("r"))
                if row <= limits.rows and column <= MAX_COLUMNS:
                    _mark(sheet, row, column)
            element.clear()


def _mark(sheet: _Sheet, row: int, column: int) -> None:
    sheet.rows.extend([()] * (row - len(sheet.rows)))
    values = list(sheet.rows[row - 1])
    values.extend([None] * (column - len(values)))
    values[column - 1] = UncalculatedFormula()
    sheet.rows[row - 1] = tuple(values)
