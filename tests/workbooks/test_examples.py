"""The filled examples of the tables in the documents are those of today: `make examples` writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.reports.kinds import REPORTS
from bot.workbooks.hazards.columns import PRINTED
from tests.handlers.hazard_parts import TODAY, a_ledger
from tests.places import Place

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.parametrize("which", REPORTS)
def test_the_example_of_a_report_has_its_sheets_and_headings(which: str, place: Place, tmp_path: Path) -> None:
    kind = REPORTS[which]
    with a_ledger(place, tmp_path) as ledger, ledger.reading() as ctx:
        tables = kind.tables(kind.make(ctx, TODAY), ctx.rules)
    book = load_workbook(EXAMPLES / f"{which}.xlsx")
    assert book.sheetnames == [table.sheet_title for table in tables]
    for table in tables:
        headings = tuple(heading for heading, _ in table.columns)
        assert headings in list(book[table.sheet_title].iter_rows(values_only=True)), table.sheet_title


def test_the_example_of_the_ledger_has_its_columns() -> None:
    first, second, *_ = load_workbook(EXAMPLES / "hazards.xlsx").worksheets[0].iter_rows(values_only=True)
    assert first == tuple(PRINTED.values())
    assert str(second[0]).startswith("YH-")
