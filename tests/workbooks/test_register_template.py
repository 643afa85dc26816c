"""The empty workbook that a new office fills in."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from bot.cli import cli
from bot.workbooks.register.schema import SHEETS
from storage.db.models import Enterprise
from tests.workbooks.conftest import Office


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Written where there is neither a database nor a setting."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["export", "--template", "空白.xlsx"])
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["空白.xlsx"]
    return tmp_path / "空白.xlsx"


def test_every_column_is_explained_and_every_sheet_has_one_example(template: Path) -> None:
    workbook = load_workbook(template)
    assert workbook.sheetnames == [sheet.title for sheet in SHEETS]
    for sheet in SHEETS:
        headings = workbook[sheet.title][1]
        assert [cell.value for cell in headings] == [column.title for column in sheet.columns]
        assert all(cell.comment and cell.comment.text for cell in headings)
        filled = [row for row in workbook[sheet.title].iter_rows(min_row=2, values_only=True) if any(row)]
        assert [str(row[0])[:3] for row in filled] == ["示例："]
    assert "可填：红、橙、黄、蓝" in workbook["企业"]["D1"].comment.text
    assert workbook["企业"].data_validations.dataValidation


def test_importing_it_unchanged_adds_nothing(template: Path, office: Office) -> None:
    outcome = office.take(template)
    assert [str(each) for each in outcome.refusals] == []
    assert (outcome.added, outcome.changed) == (0, 0)


def test_what_is_filled_in_below_the_examples_is_imported(template: Path, office: Office) -> None:
    workbook = load_workbook(template)
    for column, value in enumerate(["E007", "云溪县白鹭涂料有限公司"], 1):
        workbook["企业"].cell(3, column).value = value
    workbook.save(template)
    assert office.take(template).refusals == []
    with office.database.read() as session:
        assert [each.code for each in session.query(Enterprise)] == ["E007"]


def test_an_example_uncommented_by_hand_passes_every_check(template: Path, office: Office) -> None:
    workbook = load_workbook(template)
    for sheet in workbook.worksheets:
        sheet["A2"].value = str(sheet["A2"].value).removeprefix("示例：")
    workbook.save(template)
    refusals = [str(each) for each in office.take(template).refusals]
    assert [each for each in refusals if "值班表" not in each] == []
