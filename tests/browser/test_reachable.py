"""Accessibility: axe, keyboard, charts."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bot.web.assets import asset
from tests.browser.conftest import Opener
from tests.browser.stage import LEADER_ACCOUNT
from tests.browser.windows import DESK, PHONE, WALL, Window

PAGES = ("/", "/?state=unjudged", "/tonight/E001", "/account")


def serious(page: Page) -> list[Any]:
    """The serious and critical violations that axe finds."""
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["nodes"][0]["html"], each["nodes"][0].get("failureSummary"))
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("window", [PHONE, DESK, WALL], ids=lambda window: window.name)
def test_axe_finds_nothing_serious(open_as: Opener, window: Window) -> None:
    page = open_as(LEADER_ACCOUNT, window)
    for path in PAGES:
        page.goto(path + ("?wall=1" if window is WALL and path == "/" else ""))
        assert serious(page) == [], path


def test_axe_finds_nothing_serious_before_the_sign_in(open_as: Opener) -> None:
    page = open_as(None, DESK)
    page.goto("/login")
    assert serious(page) == []


def test_the_board_works_by_keyboard(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, DESK)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator(".count--unjudged").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?state=unjudged")
    page.locator(".tile__head").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tonight/E*")


def test_focus_survives_an_update_of_the_board(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, DESK)
    row = page.locator(".tile__head").first
    name = row.get_attribute("id")
    row.focus()
    with page.expect_response("**/tonight/board*"):
        page.evaluate("htmx.ajax('GET', '/tonight/board', {target: '#board', swap: 'outerHTML'})")
    page.wait_for_function(f"document.activeElement.id === '{name}'")


def test_charts_need_no_inline_styles(open_as: Opener) -> None:
    """A figure as pages use it, with its data in an attribute."""
    page = open_as(LEADER_ACCOUNT, DESK)
    option = '{"xAxis":{"type":"category","data":["1","2"]},"yAxis":{},"series":[{"type":"bar","data":[3,4]}]}'
    page.evaluate(
        """option => {
          const figure = document.createElement("figure");
          figure.className = "chart"; figure.dataset.chart = option;
          document.getElementById("main").prepend(figure);
        }""",
        option,
    )
    for name in ("echarts.min.js", "charts.js"):
        page.add_script_tag(url=asset(name))
    expect(page.locator(".chart canvas, .chart svg")).to_have_count(1)
    page.locator(".chart").hover()
