"""The pages of the office and of an enterprise head, in a real browser on a phone and a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.stage import HEAD_ACCOUNT, STAFF_ACCOUNT, Stage
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window

BOTH = pytest.mark.parametrize("window", [PHONE, DESK], ids=lambda window: window.name)


@BOTH
def test_the_office_attaches_a_film_and_edits_the_register(open_as: Opener, window: Window) -> None:
    page = open_as(STAFF_ACCOUNT, window)
    page.get_by_role("link", name="待办").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("待办")
    assert serious(page) == []
    page.get_by_role("navigation", name="栏目").get_by_role("link", name="登记册", exact=True).click()
    page.get_by_role("searchbox").fill("E002")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name="编辑", exact=True).first.click()
    assert serious(page) == []
    page.get_by_label("简称").fill(f"改名{window.name}")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("td", has_text=f"改名{window.name}")).to_be_visible()
    page.get_by_role("link", name="操作记录").click()
    expect(page.locator("li", has_text="改了登记册").first).to_be_visible()
    assert serious(page) == []


@BOTH
def test_the_office_files_films_by_tap(open_as: Opener, night: Stage, window: Window) -> None:
    stranger = f"stranger-{window.name}"
    night.story.cloud.add_member(stranger)
    night.film("patrol003")
    for _ in range(3):
        night.film(stranger)
    page = open_as(STAFF_ACCOUNT, window)
    page.goto("/office")
    assert serious(page) == []
    known = page.locator(".unplaced").filter(has=page.get_by_role("button", name="1 ")).first
    known.get_by_role("button", name="1 ").click()
    expect(page.get_by_role("status")).to_contain_text("已归档到")
    group = page.locator(".unplaced-group").filter(has_text=stranger)
    first = group.locator(".unplaced").first
    first.get_by_label("企业编号").fill("E004")
    first.get_by_label("企业编号").press("Enter")
    first.get_by_role("button", name="2 ").click()
    expect(page.get_by_role("status")).to_contain_text("· 2 ")
    expect(group.locator(".unplaced")).to_have_count(2)
    expect(group.locator(".filing__enterprise").first).to_be_visible()
    group.get_by_text("批量处理").click()
    group.get_by_role("button", name="全选").click()
    bulk = group.locator(".unplaced-bulk")
    assert serious(page) == []
    bulk.get_by_role("button", name="与夜巡无关").click()
    expect(page.get_by_role("status")).to_contain_text("已标为与夜巡无关")
    expect(group).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out sideways"


@BOTH
def test_the_history_shows_a_chart(open_as: Opener, window: Window) -> None:
    page = open_as(STAFF_ACCOUNT, window)
    page.get_by_role("link", name="历史").click()
    expect(page.locator(".chart canvas")).to_have_count(1)
    assert serious(page) == []
    page.locator(".heatmap th[scope=row] a").first.click()
    expect(page.locator("#objections")).to_be_visible()
    assert serious(page) == []


@BOTH
def test_a_head_raises_an_objection(open_as: Opener, window: Window) -> None:
    page = open_as(HEAD_ACCOUNT, window)
    page.get_by_role("link", name="历史", exact=True).click()
    assert page.locator(".heatmap th[scope=row]").count() == 1
    page.locator(".heatmap th[scope=row] a").click()
    page.get_by_label("要说明什么").fill(f"昨夜停电，请核实（{window.name}）")
    page.get_by_role("button", name="提出异议").click()
    expect(page.locator("#objections li", has_text=f"昨夜停电，请核实（{window.name}）")).to_be_visible()
    assert serious(page) == []
