"""Tonight's board in a real browser, on a phone, a desktop and the wall display."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.web.dashboard.board import PAGE_SIZE
from storage.db.models import Enterprise
from storage.register_terms import PRODUCING
from tests.browser.conftest import Opener, opener
from tests.browser.stage import HEAD_ACCOUNT, LEADER_ACCOUNT, STAFF_ACCOUNT, Stage, county
from tests.browser.test_reachable import serious
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
    page.goto("/tonight/E001")
    expect(page.get_by_role("heading", level=1)).to_contain_text("青石")


def test_nothing_scrolls_sideways_on_a_phone(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, PHONE)
    for path in ("/", "/tonight/E001", "/account"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_board_filters_as_one_types_and_a_refresh_takes_nothing_away(open_as: Opener, night: Stage) -> None:
    page = open_as(LEADER_ACCOUNT, PHONE)
    search = page.get_by_role("searchbox")
    page.locator(".fold summary").click()
    search.press_sequentially("柳湾", delay=30)
    expect(page.locator(".tile__name").first).to_contain_text("柳湾")
    few = page.locator(".tile").count()
    assert 0 < few < 10
    page.wait_for_url(lambda url: "words=" in url)
    search.press_sequentially("精", delay=30)
    expect(page.locator(".tile")).to_have_count(1)
    _refreshed(page, night)
    assert search.input_value() == "柳湾精"
    expect(search).to_be_focused()
    expect(page.locator(".tile")).to_have_count(1)
    assert page.locator(".fold").get_attribute("open") is not None
    page.locator("#filter").get_by_text("红", exact=True).click()
    page.wait_for_url(lambda url: "risk=" in url)


def test_scrolling_survives_a_refresh(open_as: Opener, night: Stage) -> None:
    page = open_as(STAFF_ACCOUNT, PHONE)
    page.evaluate("scrollTo(0, 3000)")
    _refreshed(page, night)
    assert page.evaluate("scrollY") == 3000


def _refreshed(page: Page, night: Stage) -> None:
    """Wait for a refresh that brings something new."""
    with page.expect_response(lambda answer: "/tonight/board" in answer.url and answer.status == 200, timeout=15_000):
        night.story.clock.instant += timedelta(minutes=1)
    page.wait_for_timeout(300)


@pytest.fixture
def alarmed(tmp_path: Path, chromium: Browser) -> Iterator[tuple[Stage, Opener]]:
    """A county of its own in which an emergency is open."""
    with county(tmp_path) as stage, opener(chromium, stage) as open_page:
        stage.story.time("00:30")
        stage.story.says("patrol001", "险情，二号泵泄漏")
        yield stage, open_page


def test_a_note_in_writing_survives_what_happens_meanwhile(alarmed: tuple[Stage, Opener]) -> None:
    stage, open_page = alarmed
    page = open_page(LEADER_ACCOUNT, PHONE)
    alert = page.locator(".alert--emergency")
    expect(alert.locator(".countdown")).to_have_text(re.compile(r"\d:\d\d"))
    expect(alert.locator("a[href^='tel:']")).to_be_visible()
    assert serious(page) == []
    note = alert.get_by_role("textbox")
    note.press_sequentially("已派")
    stage.story.says("patrol001", "有人晕倒")
    expect(alert.locator("summary")).to_contain_text("处置记录（2）", timeout=15_000)
    expect(note).to_be_focused()
    assert note.input_value() == "已派"
    alert.locator("summary").click()
    stage.story.says("patrol001", "已经撤离")
    expect(alert).to_contain_text("已经撤离", timeout=15_000)
    expect(alert.locator("li")).to_have_count(3)
    note.press("End")
    note.press_sequentially("消防")
    alert.get_by_role("button", name="已知悉").click()
    acknowledged = page.locator(".alert--acknowledged")
    expect(acknowledged).to_contain_text("已知悉")
    acknowledged.locator("summary").click()
    expect(acknowledged).to_contain_text("已派消防")
    assert acknowledged.get_by_role("textbox").input_value() == ""


def test_the_end_of_a_long_list_draws_the_rest(alarmed: tuple[Stage, Opener]) -> None:
    stage, open_page = alarmed
    with stage.story.office() as store:
        for number in range(100, 170):
            name = f"增补{number}号化工"
            store.session.add(Enterprise(code=f"X{number}", name=name, short_name=name, status=PRODUCING))
    page = open_page(STAFF_ACCOUNT, DESK)
    expect(page.locator(".tile")).to_have_count(PAGE_SIZE)
    page.locator("#more").scroll_into_view_if_needed()
    expect(page.locator(".tile")).to_have_count(145)
    expect(page.locator("#more")).to_have_count(0)
    page.wait_for_url(lambda url: "limit=240" in url)
    _refreshed(page, stage)
    expect(page.locator(".tile")).to_have_count(145)


def test_an_acknowledged_alert_is_one_line_on_the_wall(alarmed: tuple[Stage, Opener]) -> None:
    stage, open_page = alarmed
    page = open_page(LEADER_ACCOUNT, WALL)
    page.goto("/?wall=1")
    loud = page.locator(".alert--emergency").bounding_box()
    stage.story.says(LEADER_ACCOUNT, "已知悉")
    quiet = page.locator(".alert--acknowledged")
    expect(quiet).to_be_visible(timeout=15_000)
    small = quiet.bounding_box()
    assert loud is not None
    assert small is not None
    assert small["height"] < min(40, loud["height"] / 2)
    assert _outside(page) == []


def test_the_list_begins_on_the_first_screen_of_a_phone(open_as: Opener) -> None:
    page = open_as(LEADER_ACCOUNT, PHONE)
    expect(page.locator(".head__progress")).to_have_text(re.compile(r"\d+/71 家已报齐"))
    first = page.locator(".tile").first.bounding_box()
    assert first is not None
    assert first["y"] + first["height"] < 844
    expect(page.locator(".on-call a[href^='tel:']")).to_be_visible()
    expect(page.locator(".tile a[href^='tel:']").first).to_be_visible()
    expect(page.locator("#duty")).to_be_hidden()


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)])
@pytest.mark.parametrize("enterprises", [75, 150])
def test_the_wall_shows_all_enterprises_without_scrolling(
    open_as: Opener, size: tuple[int, int], enterprises: int
) -> None:
    page = open_as(LEADER_ACCOUNT, WALL)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/?wall=1")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".tile")).to_have_count(75)
    page.evaluate(
        """count => {
          const tiles = document.querySelector(".tiles"), own = [...tiles.children];
          while (tiles.children.length < count) tiles.append(own[tiles.children.length - own.length].cloneNode(true));
          document.body.dispatchEvent(new Event("htmx:afterSettle"));
        }""",
        enterprises,
    )
    assert page.locator(".tile").count() == enterprises
    assert _outside(page) == []
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    height = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.tile__name')).fontSize)")
    assert height >= 11


def _outside(page: Page) -> list[str]:
    """The enterprises whose tile, or whose name, is not wholly on the screen."""
    names: list[str] = page.evaluate(
        """[...document.querySelectorAll(".tile")].filter(tile => {
          const box = tile.getBoundingClientRect(), name = tile.querySelector(".tile__name").getBoundingClientRect();
          return box.bottom > innerHeight || box.right > innerWidth || name.bottom > box.bottom + 1 || name.width < 20;
        }).map(tile => tile.textContent)"""
    )
    return names
