"""The hazard ledger, its plots and the import of a sheet, in a real browser on a phone and a desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opener, opener
from tests.browser.ledger import fill_ledger
from tests.browser.stage import STAFF_ACCOUNT, county
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window

NARROW = Window("phone", {**PHONE.settings, "viewport": {"width": 360, "height": 740}})


@pytest.fixture(scope="module")
def open_as(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Opener]:
    """A county with half a year of hazards."""
    with county(tmp_path_factory.mktemp("hazards")) as stage:
        fill_ledger(stage.story)
        with opener(chromium, stage) as made:
            yield made


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("window", [NARROW, DESK], ids=lambda window: window.name)
def test_a_number_of_a_plot_opens_as_many_hazards(open_as: Opener, window: Window) -> None:
    page = open_as(STAFF_ACCOUNT, window)
    page.goto("/hazards")
    page.get_by_role("link", name="隐患统计").click()
    assert (fits(page), serious(page)) == (True, [])
    plot = page.get_by_role("table", name="按类型")
    first = plot.get_by_role("row").nth(1)
    kind, number = first.get_by_role("rowheader").inner_text(), first.get_by_role("link").inner_text()
    assert first.locator("svg rect").bounding_box()["width"] > 20  # type: ignore[index]
    first.get_by_role("link").click()
    expect(page.get_by_label("类型")).to_have_value(re.compile(".+"))
    expect(page.locator(".tabs [aria-current]")).to_have_text(f"不含撤销 {number}")
    assert kind in page.get_by_label("类型").inner_text()
    expect(page.locator(".hazard")).to_have_count(min(int(number), 50))


@pytest.mark.parametrize("window", [NARROW, DESK], ids=lambda window: window.name)
def test_an_edited_ledger_is_previewed_and_imported(open_as: Opener, window: Window, tmp_path: Path) -> None:
    page = open_as(STAFF_ACCOUNT, window)
    page.goto("/hazards?state=rectifying")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载台账").click()
    file = tmp_path / "ledger.xlsx"
    download.value.save_as(file)
    _edit(file, f"重新更换垫片（{window.name}）")
    page.get_by_role("link", name="导入台账").click()
    page.get_by_label("台账").set_input_files(file)
    page.get_by_role("button", name="试读").click()
    expect(page.locator(".changes ins")).to_have_text([f"重新更换垫片（{window.name}）"])
    assert (fits(page), serious(page)) == (True, [])
    page.get_by_role("button", name="确认导入").click()
    expect(page.get_by_role("heading", name="已导入")).to_be_visible()


def _edit(file: Path, measure: str) -> None:
    book = load_workbook(file)
    sheet = book.worksheets[0]
    column = next(cell.column for cell in sheet[1] if cell.value == "整改措施")
    sheet.cell(2, column).value = measure
    book.save(file)
