"""The sheets of a workbook as plain grids of values. The file is untrusted: a child process with limits reads it."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot.workbooks.register.result import CellError
from storage import sandbox

HEADING_SEARCH_ROWS = 5
MAX_COLUMNS = 60
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A workbook of 20,000 enterprises with their parts and people takes 17 s and 110 MB.
_SANDBOX_LIMITS = sandbox.Limits(cpu_s=120.0, file_bytes=64 * 1024 * 1024)
_one_at_a_time = threading.Lock()

CellValues = tuple[Any, ...]
Range = tuple[int, int, int, int]


@dataclass(frozen=True)
class Limits:
    """The size up to which a workbook is read; a larger one is refused."""

    file_bytes: int = 50 * 1024 * 1024
    unpacked_bytes: int = 400 * 1024 * 1024
    row_bytes: int = 8 * 1024 * 1024
    rows: int = 50_000
    chunk_bytes: int = 1 << 20
    members: int = 1_000
    merged_ranges: int = 10_000
    style_elements: int = 300_000  # Excel itself allows 65,490 formats of cells
    strings: int = 1_000_000


class UncalculatedFormula:
    """The value of a cell whose formula has no stored result."""

    def __str__(self) -> str:
        return "=…"


class MergedCells:
    """Ranges of merged cells: left, top, right, bottom, counted from 1."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._by_column: dict[int, list[tuple[int, int, int]]] = {}
        for left, top, right, bottom in sorted(ranges, key=lambda each: each[1]):
            entry = (top, bottom, left)
            for column in range(left, min(right, MAX_COLUMNS) + 1):
                self._by_column.setdefault(column, []).append(entry)

    def visible_cell(self, row: int, column: int) -> tuple[int, int]:
        """Where the value that a cell shows stands."""
        ranges = self._by_column.get(column, [])
        place = bisect_right(ranges, row, key=lambda entry: entry[0]) - 1
        if place < 0 or ranges[place][1] < row:
            return row, column
        return ranges[place][0], ranges[place][2]


@dataclass
class Hidden:
    """What Excel does not show: the whole sheet, or rows and columns of it, counted from 1."""

    sheet: bool = False
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)


@dataclass
class Grid:
    """One sheet: `rows[i]` are the values of Excel's row i+1."""

    title: str
    rows: list[CellValues]
    merged_cells: MergedCells = field(default_factory=MergedCells)
    hidden: Hidden = field(default_factory=Hidden)

    def value_at(self, row: int, column: int) -> Any:
        """The visible value of a cell; row and column count from 1."""
        row, column = self.merged_cells.visible_cell(row, column)
        values = self.rows[row - 1] if row <= len(self.rows) else ()
        return values[column - 1] if column <= len(values) else None


def read_grids(path: Path, sheet_titles: Sequence[str], limits: Limits) -> list[Grid]:
    """Every sheet of the workbook; hidden ones and those with other titles without their rows.

    Raises CellError for a file that cannot be read, OSError if there is no sandbox process.
    """
    _check_size(path, limits)
    with tempfile.TemporaryDirectory() as folder, _one_at_a_time:
        target = os.path.join(folder, "grids")
        args = [os.path.abspath(path), target, list(sheet_titles), asdict(limits)]
        try:
            refusal = sandbox.run("bot.workbooks.register.xlsx_reader:write_grids", *args, limits=_SANDBOX_LIMITS)
        except sandbox.TaskFailed as error:
            raise CellError("register.too_complex") from error
        if refusal is not None:
            raise CellError(refusal[0], **refusal[1])
        return _load(Path(target))


def _check_size(path: Path, limits: Limits) -> None:
    if path.is_dir():
        raise CellError("register.folder", name=path.resolve().name)
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


def _load(path: Path) -> list[Grid]:
    """The lines: title, merged ranges and hidden parts of a grid, then its rows, then `null`."""
    grids = []
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        for line in lines:
            title, merged, hidden = json.loads(line)
            rows = [tuple(row) for row in iter(lambda: json.loads(next(lines), object_hook=decode_value), None)]
            grids.append(Grid(title, rows, MergedCells(merged), Hidden(**hidden)))
    return grids


def encode_value(value: Any) -> Any:
    """A cell's value that JSON does not know, for JSON."""
    if isinstance(value, UncalculatedFormula):
        return {"formula": ""}
    if isinstance(value, timedelta):
        return {"timedelta": value.total_seconds()}
    for kind in (datetime, date, time):
        if isinstance(value, kind):
            return {kind.__name__: value.isoformat()}
    return str(value)


def decode_value(encoded: dict[str, Any]) -> Any:
    """The reverse of `encode_value`."""
    [(kind, value)] = encoded.items()
    if kind == "formula":
        return UncalculatedFormula()
    if kind == "timedelta":
        return timedelta(seconds=value)
    kinds: dict[str, Callable[[str], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "time": time.fromisoformat,
    }
    return kinds[kind](value)
