"""Tonight's board in a real browser, on a phone, a desktop and the wall display."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.stage import HEAD_ACCOUNT, LEADER_ACCOUNT, STAFF_ACCOUNT, Stage
from tests.browser.windows import DESK, PHONE, WALL


def test_the_board_updates_when_a_film_arrives(open_as: Opener, night: Stage) -> None:
    page = open_as(LEADER_ACCOUNT, PHONE)
    expect(page.get_by_role("status").filter(has_text="实时更新中")).to_be_visible()
    waiting = next(each for each in night.story.view()["enterprises"] if each["state"] == "unjudged")
    number = int(waiting["code"][1:])
    tile = page.locator(".tile", has=page.locator(f"a[href='/tonight/{waiting['code']}']"))
    missing = [part["number"] for part in waiting["parts"] if part["state"] == "unjudged"]
    before = tile.locator(".part--on_time").count()
    night.film(f"patrol{number:03d}", missing[0])
    expect(tile.locator(".part--on_time")).to_have_count(before + 1, timeout=10_000)


def test_a_count_filters_the_board(open_as: Opener) -> None:
    page = open_as(STAFF_ACCOUNT, DESK)
    figure = page.locator(".count--on_time")
    number = int(figure.locator("b").inner_text())
    figure.click()
    expect(page.locator(".tile")).to_have_count(number)
    page.locator(".tile__head").first.click()
    expect(page.get_by_role("heading", name="重点部位")).to_be_visible()
    assert page.locator(".film").count() > 0


def test_a_head_sees_only_the_own_enterprise(open_as: Opener) -> None:
    page = open_as(HEAD_ACCOUNT, PHONE)
    expect(page.locator(".tile")).to_have_count(1)
    page.goto("/tonight/E001")
    expect(page.get_by_role("heading", level=1)).to_contain_text("青石")


def test_nothing_scrolls_sideways_on_a_phone(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, PHONE)
    for path in ("/", "/tonight/E001", "/account"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_wall_display_shows_only_the_board(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, WALL)
    page.goto("/?wall=1")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".tile")).to_have_count(75)
