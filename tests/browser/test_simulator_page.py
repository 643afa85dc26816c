"""The page of the simulator as a person uses it, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.devtools.simulator import Cloud, serve
from tests.browser.windows import DESK, PHONE, Window, watched

pytestmark = pytest.mark.slow


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        for number in range(1, 172):
            cloud.add_member(f"patrol{number:03d}", f"赵{number}")
        cloud.add_robot("KEY", "夜巡一组")
        cloud.callback_sender.transport = lambda _query, _body: 200
        yield cloud


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, cloud: Cloud) -> Iterator[Page]:
    window: Window = request.param
    url, troubles = serve(cloud), list[str]()
    context = chromium.new_context(base_url=url, locale="zh-CN", **window.settings)
    page = watched(context.new_page(), url, troubles)
    page.goto("/")
    yield page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert troubles == []


def test_one_finds_a_phone_among_many_and_sends_from_it(page: Page, cloud: Cloud) -> None:
    page.get_by_role("searchbox").fill("PATROL099")
    expect(page.locator("#chats li:visible")).to_have_count(1)
    page.get_by_role("link", name="赵99").click()
    expect(page.locator("#messages")).to_contain_text("还没有消息")
    page.get_by_placeholder("发消息").fill("罐区")
    page.get_by_role("button", name="发送", exact=True).click()
    page.get_by_role("button", name="发示例视频").click()
    own = page.locator("#messages .own")
    expect(own).to_have_count(2)
    expect(own.first).to_contain_text("罐区")
    expect(own.last.locator("video")).to_be_visible()
    box, view = own.first.locator(".bubble").bounding_box(), page.viewport_size
    assert box is not None
    assert view is not None
    assert box["x"] > view["width"] / 2
    assert {each.kind for each in (cloud.media.find(page_media(page), cloud.now()),)} == {"video"}


def page_media(page: Page) -> str:
    """The media id of the film in the chat."""
    address = page.locator("#messages video").get_attribute("src")
    assert address is not None
    return address.rpartition("/")[2]


def test_a_refused_call_and_a_message_not_accepted_are_told(page: Page, cloud: Cloud) -> None:
    cloud.record_violation("message/send", 40058, "text is longer than 2048 bytes")
    cloud.callback_sender.transport = lambda _query, _body: 503
    page.goto("/?chat=member/patrol001")
    page.get_by_role("button", name="发位置").click()
    expect(page.get_by_role("status")).to_have_text("机器人没有接收")
    expect(page.locator("#messages .own")).to_contain_text("没有接收（503）")
    page.goto("/?chat=refused")
    expect(page.locator("#messages")).to_contain_text("text is longer than 2048 bytes")
