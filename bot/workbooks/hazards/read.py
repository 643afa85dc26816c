"""Reads a sheet of hazards; its columns are found by their headings, in any order."""

from __future__ import annotations

from pathlib import Path

from bot.workbooks.hazards.columns import SHEET, SHEET_TITLES
from bot.workbooks.register.grids import Limits, read_grids
from bot.workbooks.register.parse import ParsedRegister, parse_grid, unreadable
from bot.workbooks.register.result import CellError


def read_hazards(path: Path, limits: Limits = Limits()) -> ParsedRegister:  # noqa: B008 - it is immutable
    """The first sheet of hazards in the workbook. What is wrong with the file is in `refusals`.

    Raises OSError if there is no sandbox process.
    """
    parsed = ParsedRegister()
    try:
        grids = read_grids(path, SHEET_TITLES, limits)
    except CellError as error:
        return unreadable(parsed, error)
    ledger = next(
        (grid for grid in grids if grid.title.strip() in SHEET_TITLES and grid.rows and not grid.hidden.sheet), None
    )
    parsed.unknown_sheets = [grid.title for grid in grids if grid is not ledger]
    if ledger is None:
        return unreadable(parsed, CellError("register.no_known_sheet", sheets="、".join(SHEET_TITLES)))
    parse_grid(SHEET, ledger, parsed, path.parent)
    return parsed
