"""The page of an enterprise head, in a real browser on a phone and a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.stage import HEAD_ACCOUNT
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window


@pytest.mark.parametrize("window", [PHONE, DESK], ids=lambda window: window.name)
def test_a_head_reads_the_own_page_and_downloads_the_month(open_as: Opener, window: Window) -> None:
    page = open_as(HEAD_ACCOUNT, window)
    page.wait_for_url("**/own/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("青石")
    expect(page.get_by_role("heading", name="待整改")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载本月表").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(page) == []
