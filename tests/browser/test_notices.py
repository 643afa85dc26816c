"""The list of all notices, in a real browser on a phone and a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.stage import LEADER_ACCOUNT
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window


@pytest.mark.parametrize("window", [PHONE, DESK], ids=lambda window: window.name)
def test_a_leader_finds_a_notice_and_its_attempts(open_as: Opener, window: Window) -> None:
    page = open_as(LEADER_ACCOUNT, window)
    page.get_by_role("link", name="通知记录").click()
    page.get_by_label("类别").select_option("回执")
    page.get_by_role("button", name="查找").click()
    receipt = page.locator(".notices > li").first
    expect(receipt).to_contain_text("收到")
    receipt.locator("summary").click()
    expect(receipt.locator(".notice__text")).to_be_visible()
    expect(receipt.locator(".notice__attempts li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(page) == []
