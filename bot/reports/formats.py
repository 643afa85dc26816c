"""The formats in which a report can be taken away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from bot.pdf import report_pdf
from bot.workbooks.reports.report_table import ReportTable
from bot.workbooks.reports.report_workbook import report_workbook

# Suffix of the file's name -> what draws the tables; the same tables give the same bytes.
FORMATS: Mapping[str, Callable[[Sequence[ReportTable]], bytes]] = {"xlsx": report_workbook, "pdf": report_pdf}
_drawing = threading.Lock()


def draw(format_: str, tables: Sequence[ReportTable]) -> bytes:
    """The file in one of FORMATS. One is drawn at a time: that of a year takes a processor for seconds."""
    with _drawing:
        return FORMATS[format_](tables)
