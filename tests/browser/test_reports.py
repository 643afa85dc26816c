"""The reports in a real browser: found from the menu, read on a phone and a desk, printed on A4 landscape."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.conftest import Opener
from tests.browser.stage import LEADER_ACCOUNT
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window


@pytest.mark.parametrize("window", [PHONE, DESK], ids=lambda window: window.name)
def test_a_leader_opens_tonights_report_and_downloads_it(open_as: Opener, window: Window) -> None:
    page = open_as(LEADER_ACCOUNT, window)
    page.get_by_role("link", name="报表").click()
    assert serious(page) == []
    page.get_by_role("link", name="11月24日凌晨", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("夜巡日报")
    assert serious(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).first.click()
    assert download.value.suggested_filename == "夜巡日报 2026-11-24.pdf"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_printed_page_is_the_table_with_room_to_sign(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, DESK)
    page.goto("/reports/daily/2026-11-24")
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert tuple(map(round, printed.pages[0].mediabox.upper_right)) == (842, 595)
    texts = ["".join(each.extract_text().split()) for each in printed.pages]
    assert any("填报单位：" in text and "签字：" in text for text in texts)
    assert all("企业" in text for text in texts[:2])
    assert not any("打印" in text or "操作记录" in text.replace("操作记录链头", "") for text in texts)
