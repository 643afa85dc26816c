"""A headless Chromium and the county served to it. Without Chromium the tests are skipped, except in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.chromium import found, launched
from tests.browser.stage import Stage, played_night
from tests.browser.windows import DESK, Window, watched


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if found() is None:
        assert os.environ.get("CI") != "true", "CI must have Chromium: apt-get install chromium"
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Stage]:
    """The county at twenty past three, shared by all tests that change nothing."""
    with played_night(tmp_path_factory.mktemp("night")) as stage:
        yield stage


Opener = Callable[..., Page]


@pytest.fixture
def open_as(chromium: Browser, night: Stage) -> Iterator[Opener]:
    """`open_as(account, window)`: a page of that person, signed in through WeCom.

    A warning or error in the console of a page fails the test.
    """
    with opener(chromium, night) as made:
        yield made


@contextmanager
def opener(chromium: Browser, stage: Stage) -> Iterator[Opener]:
    """The same for another county."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(account: str | None, window: Window = DESK) -> Page:
        context = chromium.new_context(base_url=stage.url, locale="zh-CN", **window.settings)
        contexts.append(context)
        page = watched(context.new_page(), stage.url, troubles)
        if account is not None:
            window.sign_in(page, account)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
