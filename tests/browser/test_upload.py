"""The upload page in a real browser, over an unreliable network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import Stage, county
from tests.browser.windows import PHONE
from tests.harness import film_bytes

PATROLLER = "patrol001"
SLOW = {"offline": False, "latency": 5, "downloadThroughput": 4_000_000, "uploadThroughput": 1_500_000}


@pytest.fixture
def stage(chromium: Browser, tmp_path: Path) -> Iterator[Stage]:
    with county(tmp_path) as found:
        found.story.time("00:21")
        yield found


@pytest.fixture
def phone(chromium: Browser, stage: Stage) -> Iterator[Page]:
    """A phone that has opened the upload link."""
    context = chromium.new_context(base_url=stage.url, locale="zh-CN", **PHONE.settings)
    page = context.new_page()
    page.goto(link(stage, "上传"))
    yield page
    context.close()


def link(stage: Stage, words: str) -> str:
    stage.story.says(PATROLLER, words)
    found = re.search(r"http://\S+/upload/\S+", stage.story.hears(PATROLLER)[-1])
    assert found is not None
    return found.group()


def film(tmp_path: Path, megabytes: int = 0) -> Path:
    """A film of about that many MB: a short film with padding at its end."""
    path = tmp_path / "VID_0021.mp4"
    path.write_bytes(film_bytes(12, "upload page") + _free(megabytes))
    return path


def _free(megabytes: int) -> bytes:
    size = megabytes * 1024 * 1024
    return size.to_bytes(4, "big") + b"free" + bytes(size - 8) if size else b""


def slow_down(page: Page) -> Callable[[bool], None]:
    """Slow the network down; the result takes it away and gives it back, in the one session that may do so."""
    session = page.context.new_cdp_session(page)

    def set_offline(offline: bool) -> None:
        session.send("Network.emulateNetworkConditions", {**SLOW, "offline": offline})

    set_offline(False)
    return set_offline


def receipt(page: Page, stage: Stage) -> None:
    """Process the film, and wait until the page shows the result."""
    expect(page.locator("#status")).to_have_text("已经全部传到，正在检查视频……", timeout=60_000)
    stage.story.settle(1)
    expect(page.locator("#status")).to_contain_text("✅ 收到 1124-0001", timeout=15_000)
    assert stage.story.hears(PATROLLER)[-1].startswith("✅ 收到 1124-0001")


def test_an_upload_survives_network_interruptions(phone: Page, stage: Stage, tmp_path: Path) -> None:
    phone.get_by_text("1 ", exact=False).first.click()
    set_offline = slow_down(phone)
    phone.locator("#camera").set_input_files(film(tmp_path, 6))
    expect(phone.locator("#status")).to_have_text(re.compile(r"正在上传 [1-9]\d?%"), timeout=20_000)
    set_offline(True)
    expect(phone.locator("#status")).to_have_text(re.compile("网络断了"), timeout=10_000)
    set_offline(False)
    receipt(phone, stage)
    [clip] = stage.story.part("E001", "1")["submissions"]
    assert clip["bytes"] == film(tmp_path, 6).stat().st_size


def test_an_upload_resumes_after_the_page_was_closed(phone: Page, stage: Stage, tmp_path: Path) -> None:
    phone.get_by_text("1 ", exact=False).first.click()
    slow_down(phone)
    phone.locator("#gallery").set_input_files(film(tmp_path, 6))
    expect(phone.locator("#status")).to_have_text(re.compile(r"正在上传 [2-9]\d%"), timeout=30_000)
    phone.reload()
    expect(phone.locator("#status")).to_have_text("上次没有传完。请再选同一段视频，会接着传。")
    offsets: list[int] = []
    phone.on("request", lambda request: offsets.append(int(request.headers.get("upload-offset", "-1"))))
    phone.get_by_text("1 ", exact=False).first.click()
    phone.locator("#gallery").set_input_files(film(tmp_path, 6))
    receipt(phone, stage)
    assert min(offset for offset in offsets if offset >= 0) > 1024 * 1024


def test_the_part_is_required_and_an_upload_can_be_cancelled(phone: Page, stage: Stage, tmp_path: Path) -> None:
    phone.locator("#camera").set_input_files(film(tmp_path))
    expect(phone.locator("#status")).to_have_text("请先点一下拍的是哪个部位。")
    phone.get_by_text("1 ", exact=False).first.click()
    slow_down(phone)
    phone.locator("#camera").set_input_files(film(tmp_path, 6))
    phone.get_by_role("button", name="不传了，重新选").click()
    expect(phone.locator("#chooser")).to_be_visible()
    phone.locator("#gallery").set_input_files(film(tmp_path))
    receipt(phone, stage)


def test_another_browser_cannot_use_the_link(phone: Page, chromium: Browser, stage: Stage, tmp_path: Path) -> None:
    phone.get_by_text("1 ", exact=False).first.click()
    slow_down(phone)
    phone.locator("#camera").set_input_files(film(tmp_path, 6))
    expect(phone.locator("#status")).to_have_text(re.compile(r"正在上传 [1-9]"), timeout=20_000)
    other = chromium.new_context(locale="zh-CN", **PHONE.settings)
    page = other.new_page()
    page.goto(phone.url)
    expect(page.get_by_role("alert")).to_contain_text("已经在另一部手机上用了")
    assert page.locator("#camera").count() == 0
    other.close()
    receipt(phone, stage)


def test_the_upload_page_is_large_and_accessible(phone: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for each in phone.locator(".part span, .button span").all():
        box = each.bounding_box()
        assert box is not None
        assert box["height"] >= 64
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(phone).response["violations"]
    assert [each["id"] for each in found] == []
