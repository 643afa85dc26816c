"""Recognizes the sheets of a workbook by their names, and the columns of a sheet by their headings."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.workbooks.register.grids import HEADING_SEARCH_ROWS, Grid
from bot.workbooks.register.result import CellError
from bot.workbooks.register.schema import SHEET_TITLE_BY_NAME, Sheet


@dataclass
class Headings:
    """The row of the headings, title -> column, the headings read as another title, and the unknown ones."""

    row: int
    columns: dict[str, int] = field(default_factory=dict)
    read_as: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def sheet_title(grid: Grid, grids: Sequence[Grid]) -> str | None:
    """The sheet of the register that a sheet of the workbook is meant as; None for any other.

    企业表 is 企业, unless the workbook has a sheet 企业 as well.
    """
    name = grid.title.strip()
    title = SHEET_TITLE_BY_NAME.get(name)
    is_exact_elsewhere = any(other.title.strip() == title and not other.hidden.sheet for other in grids)
    return title if name == title or not is_exact_elsewhere else None


def find_headings(sheet: Sheet, grid: Grid) -> Headings:
    """The headings of a sheet, in one of its first rows. Raises CellError where columns are missing or ambiguous."""
    fewest_missing: list[str] = list(sheet.required_headings)
    for number in range(1, min(HEADING_SEARCH_ROWS, len(grid.rows)) + 1):
        headings = _read(sheet, number, [_heading(value) for value in grid.rows[number - 1]])
        missing = [title for title in sheet.required_headings if title not in headings.columns]
        if not missing:
            return headings
        fewest_missing = min(fewest_missing, missing, key=len)
    raise CellError("register.no_headings", columns="、".join(fewest_missing), rows=HEADING_SEARCH_ROWS)


def _read(sheet: Sheet, number: int, found: list[str]) -> Headings:
    headings = Headings(number)
    known = {column.title for column in sheet.columns}
    meant = {
        synonym: column.title
        for column in sheet.columns
        if column.title not in found
        for synonym in column.synonyms
        if synonym not in known
    }
    for index, heading in enumerate(found, 1):
        title = heading if heading in known else meant.get(heading)
        if title is None:
            headings.unknown += [heading] if heading else []
        elif title in headings.columns:
            raise CellError("register.duplicate_column", column=title)
        else:
            headings.columns[title] = index
            headings.read_as |= {heading: title} if heading != title else {}
    return headings


def _heading(value: Any) -> str:
    return "".join(unicodedata.normalize("NFKC", str(value)).split()) if value is not None else ""
