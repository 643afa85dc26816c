"""The formats in which a report can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.pdf import report_pdf
from bot.workbooks.reports.report_table import ReportTable
from bot.workbooks.reports.report_workbook import report_workbook

# Suffix of the file's name -> what draws the tables; the same tables give the same bytes.
FORMATS: Mapping[str, Callable[[Sequence[ReportTable]], bytes]] = {"xlsx": report_workbook, "pdf": report_pdf}
