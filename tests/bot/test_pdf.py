"""Reports as PDF: readable Chinese on every machine, the same bytes, and a name for every character that is lacking."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PIL import ImageFont
from pypdf import PdfReader

from bot.pdf import missing_characters_text, report_pdf
from bot.pdf.glyphs import covered_characters
from bot.texts import all_texts
from bot.workbooks.reports.report_table import Percent, ReportTable, TableRow
from storage.fonts import CHINESE_FONT

COLUMNS = (("序号", 6), ("企业", 34), ("按时率", 9), ("备注", 20))
DIGEST = "0123456789abcdef" * 4


def table(*rows: TableRow, title: str = "夜巡日报") -> ReportTable:
    issued_at = datetime(2026, 11, 24, 7, 37, tzinfo=UTC)
    return ReportTable("日报", title, ("应报 2 家",), COLUMNS, frozenset({2}), rows, issued_at)


FIRST = table(TableRow((1, "甲化工有限公司", Percent(0.5), "罐区"), "missing"))


def pages(*tables: ReportTable) -> list[str]:
    """The text of each page, without the spaces that Typst puts between Chinese and Latin."""
    reader = PdfReader(io.BytesIO(report_pdf(tables)))
    return ["".join(page.extract_text().split()) for page in reader.pages]


def test_the_pdf_has_what_the_workbook_has() -> None:
    first, second = pages(FIRST, replace(FIRST, title="回执明细"))
    for text in ("夜巡日报", "应报2家", "企业", "甲化工有限公司", "50.0%", "制表时间：2026-11-2407:37", "第1页，共2页"):
        assert text in first
    assert all(field in first for field in ("填报单位：", "填表人：", "审核：", "签字："))
    assert ("回执明细" in second, "填报单位" in second) == (True, False)


def test_it_is_a4_landscape_and_repeats_its_header() -> None:
    many = table(*[TableRow((number, f"第{number}厂", Percent(1.0), "")) for number in range(1, 101)])
    reader = PdfReader(io.BytesIO(report_pdf([many])))
    assert {tuple(map(round, page.mediabox.upper_right)) for page in reader.pages} == {(842, 595)}
    assert len(reader.pages) > 2
    assert all("按时率" in page.extract_text() for page in reader.pages[:-1])


def test_the_same_tables_give_the_same_bytes_in_every_process() -> None:
    script = "import hashlib; from tests.bot.test_pdf import *; print(hashlib.sha256(report_pdf([FIRST])).hexdigest())"
    digests = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    }
    assert len(digests) == 1
    assert report_pdf([FIRST]) == report_pdf([FIRST])


def test_what_people_write_is_never_markup() -> None:
    hostile = '#read("/etc/passwd") $x$ *b* _i_ <script> \\ `raw` [c] @label // c'
    [page] = pages(table(TableRow((1, hostile, Percent(None), "—")), title=hostile))
    assert page.count("".join(hostile.split())) == 2


def test_a_character_that_the_font_lacks_is_named_instead_of_being_a_box() -> None:
    rare = table(TableRow((1, "𠅤䶮化工🔥", Percent(1.0), "")))
    assert missing_characters_text([rare]) == (
        "PDF 字库中没有“䶮🔥𠅤”，打印时以编码表示：U+4DAE、U+1F525、U+20164；Excel 工作簿不受影响"
    )
    [page] = pages(rare)
    assert "〔U+20164〕〔U+4DAE〕化工〔U+1F525〕" in page
    assert "字库中没有的字以编码表示：U+4DAE、U+1F525、U+20164" in page
    assert missing_characters_text([FIRST]) is None


def test_the_font_has_what_it_is_said_to_have() -> None:
    """As FreeType sees it: a character without a glyph is drawn as the box of U+FFFF."""
    font, covered = ImageFont.truetype(str(CHINESE_FONT), 16), covered_characters(CHINESE_FONT)
    box = bytes(font.getmask("\uffff"))
    boxes = {character for character in sorted(covered)[::7] if bytes(font.getmask(character)) == box}
    assert (len(covered), boxes) == (7946, set())
    assert [character for character in "䶮𠅤🔥→" if bytes(font.getmask(character)) != box] == []
    ours = {
        sign for key, text in all_texts().items() if key.startswith(("workbook.", "pdf.", "sign_off.")) for sign in text
    }
    assert ours - covered == set()


def test_a_word_that_is_wider_than_its_column_breaks_and_a_digest_does_not() -> None:
    wide = table(TableRow((1, "x" * 300, Percent(1.0), "")))
    assert "x" * 300 not in pages(wide)[0].replace("\u200b", "|")
    digests = replace(table(TableRow((1, "甲", DIGEST))), columns=(("序号", 6), ("企业", 34), ("SHA-256", 68)))
    assert DIGEST in pages(digests)[0]


def test_a_table_that_is_too_long_says_what_is_left_out() -> None:
    long = table(*[TableRow((number, f"第{number}厂", Percent(1.0), "")) for number in range(1, 5)])
    [page] = PdfReader(io.BytesIO(report_pdf([long], max_rows=3))).pages
    text = "".join(page.extract_text().split())
    assert ("共4行，PDF列出前3行，全部内容见Excel工作簿。" in text, "第3厂" in text, "第4厂" in text) == (
        True,
        True,
        False,
    )


@pytest.mark.slow
def test_help_does_not_wait_for_what_draws_reports() -> None:
    script = (
        "import sys; from bot.cli import cli; cli(['report', '--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert ("--pdf" in done.stdout, loaded & {"typst", "openpyxl", "bot.pdf"}) == (True, set())
