"""Reports as PDF: the tables of the workbook on A4, drawn by Typst within the process.

The font of this package is the only one used, so every machine draws the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.pdf.glyphs import covered_characters
from bot.texts import say
from bot.workbooks.reports.report_table import STATE_STYLES, ReportTable, TableRow, cell_text, sign_off_fields
from storage.fonts import CHINESE_FONT

if TYPE_CHECKING:
    import typst

_TEMPLATES = Path(__file__).parent / "templates"
_FAMILY = "Noto Sans SC"
# Line breaks and the like are no signs; Typst handles them without the font.
_NO_SIGN = re.compile(r"[\s\x00-\x1f]")
# The width of a page's text in characters of an unbroken Latin word.
_CHARACTERS_ACROSS = 175
# 27,000 rows took Typst 1.4 GB, 3,000 rows 0.24 GB.
MAX_ROWS = 5000


def report_pdf(tables: Sequence[ReportTable], max_rows: int = MAX_ROWS) -> bytes:
    """The PDF; the same tables give the same bytes. A longer table is cut, and a line above it says so.

    A character that the font lacks stands as its code, as 〔U+4DAE〕, and a line below the first title names the codes.
    """
    import typst

    report = json.dumps(_document(tables, max_rows), ensure_ascii=False)
    compiler = typst.Compiler(_TEMPLATES / "report.typ", _TEMPLATES, font_paths=_fonts())
    pdf = compiler.compile(format="pdf", sys_inputs={"report": report}, pdf_tags=False)
    assert isinstance(pdf, bytes)
    return pdf


def missing_characters_text(tables: Sequence[ReportTable]) -> str | None:
    """A sentence that names the characters of these tables which the font lacks; None when it has all of them."""
    missing = _missing_characters(tables)
    return say("pdf.missing_warning", characters=missing, codes="、".join(map(_code, missing))) if missing else None


def _missing_characters(tables: Sequence[ReportTable]) -> str:
    used = {character for text in _texts(tables) for character in _NO_SIGN.sub("", text)}
    return "".join(sorted(used - covered_characters(CHINESE_FONT)))


@cache
def _fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(CHINESE_FONT.parent)])


def _texts(tables: Iterable[ReportTable]) -> Iterator[str]:
    for table in tables:
        yield from (table.title, *table.intro_lines, *(heading for heading, _ in table.columns))
        yield from (cell_text(value) for row in table.rows for value in row.values)


def _document(tables: Sequence[ReportTable], max_rows: int) -> dict[str, Any]:
    missing = _missing_characters(tables)
    codes = {ord(character): f"〔{_code(character)}〕" for character in missing}
    sheets = [_sheet(table, codes, max_rows) for table in tables]
    if missing:
        sheets[0]["intro"].append(say("pdf.missing_characters", codes="、".join(map(_code, missing))))
    return {"font": _FAMILY, "page": say("workbook.daily_page"), "sign_off": sign_off_fields(), "sheets": sheets}


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _sheet(table: ReportTable, codes: dict[int, str], max_rows: int) -> dict[str, Any]:
    widths = [width for _, width in table.columns]
    longest = [max(1, round(_CHARACTERS_ACROSS * width / sum(widths))) for width in widths]

    def row(each: TableRow) -> dict[str, Any]:
        cells = [
            _breakable(cell_text(value).translate(codes), limit)
            for value, limit in zip(each.values, longest, strict=True)
        ]
        return {"cells": cells, "colour": each.state and f"#{STATE_STYLES[each.state][1]}"}

    intro = [_breakable(line.translate(codes), _CHARACTERS_ACROSS) for line in table.intro_lines]
    if len(table.rows) > max_rows:
        intro.append(say("pdf.rows_left_out", count=len(table.rows), shown=max_rows))
    return {
        "title": table.title.translate(codes),
        "intro": intro,
        "widths": widths,
        "left": [number in table.left_aligned for number in range(1, len(widths) + 1)],
        "headings": [heading for heading, _ in table.columns],
        "rows": [row(each) for each in table.rows[:max_rows]],
        "issue_line": table.issue_line,
    }


def _breakable(text: str, limit: int) -> str:
    """Typst breaks no long Latin word: one that is wider than its column may break anywhere."""
    return re.sub(rf"[!-~]{{{limit},}}", lambda found: "\u200b".join(found[0]), text)
