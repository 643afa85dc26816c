"""The roster's calendar in a real browser: a night is changed with a thumb on a phone, and on a desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Opener, opener
from tests.browser.stage import STAFF_ACCOUNT, Stage, county
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Stage]:
    with county(tmp_path_factory.mktemp("roster")) as made:
        yield made


@pytest.fixture
def open_as(chromium: Browser, stage: Stage) -> Iterator[Opener]:
    with opener(chromium, stage) as made:
        yield made


@pytest.mark.parametrize(("window", "day"), [(PHONE, "2026-12-22"), (DESK, "2026-12-23")], ids=["phone", "desk"])
def test_a_night_is_changed_by_tap(open_as: Opener, window: Window, day: str) -> None:
    page = open_as(STAFF_ACCOUNT, window)
    page.get_by_role("navigation", name="栏目").get_by_role("link", name="登记册", exact=True).click()
    page.get_by_role("link", name="值班表", exact=True).click()
    page.get_by_role("link", name="下个月").click()
    gaps = page.locator("#gaps")
    before = int(re.findall(r"\d+", gaps.inner_text())[0])
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    night = page.locator(f"#day-{day}")
    box = night.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    tap = night.locator("a").tap if window is PHONE else night.locator("a").click
    tap()
    form = night.locator("form")
    leaders = form.get_by_label("值班领导", exact=True)
    expect(leaders).to_be_focused()
    assert serious(page) == []
    chosen = leaders.locator("option").nth(1).inner_text()
    leaders.select_option(chosen)
    form.get_by_label("备班领导", exact=True).select_option(chosen)
    form.get_by_role("button", name="保存").click()
    expect(night).to_contain_text(f"领导 {chosen}")
    expect(night).to_contain_text("同时是值班领导和备班领导")
    expect(night.locator("a")).to_be_focused()
    expect(gaps).to_contain_text(f"还有 {before - 1} 天没有值班领导")
    assert serious(page) == []
    page.reload()
    expect(night).to_contain_text("备班领导就是值班领导本人")
    night.locator("a").click()
    form.get_by_role("button", name="取消").click()
    expect(night.locator("form")).to_have_count(0)
