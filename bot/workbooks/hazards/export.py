"""The ledger as a workbook in the office's printed form, written row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

from rustpy_xlsxwriter import Format, write_worksheet

from bot.workbooks.hazards.columns import PRINTED, SHEET_TITLE, column_of
from bot.workbooks.hazards.printed import PrintedRows
from bot.workbooks.styles import BORDER_COLOR, FONT_NAME, HEADING_COLOR, NUMBER_FORMATS, printable
from schedules.context import Context
from storage.hazards import HazardFilter

# Hands items through and may show how many are done.
Track = Callable[[Iterable[Any]], Iterable[Any]]


def export_hazards(ctx: Context, wanted: HazardFilter, track: Track = iter) -> bytes:
    """The hazards of a filter, the latest first; importing the workbook changes nothing."""
    columns = {title: column_of(field) for field, title in PRINTED.items()}
    written = BytesIO()
    write_worksheet(
        _rows(track(PrintedRows(ctx).of_ledger(wanted))),
        written,
        SHEET_TITLE,
        freeze_row=1,
        header_format=_heading_format(),
        column_widths=[float(column.width) for column in columns.values()],
        # So a text stays a text when its cell is edited, even if it begins like a formula.
        column_formats={
            title: Format().set_num_format(NUMBER_FORMATS[column.cell_type]) for title, column in columns.items()
        },
    )
    return written.getvalue()


def _rows(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """By heading; an empty ledger has an empty row, from which the headings are taken."""
    row = None
    for row in rows:
        yield {title: _printed(row[field]) for field, title in PRINTED.items()}
    if row is None:
        yield dict.fromkeys(PRINTED.values())


def _printed(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else value


def _heading_format() -> Format:
    font = Format().set_font_name(FONT_NAME).set_bold().set_background_color(HEADING_COLOR)
    centred = font.set_align("center").set_align("vertical_center").set_text_wrap()
    return centred.set_border("thin").set_border_color(BORDER_COLOR)
