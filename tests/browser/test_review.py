"""The review in a real browser: by touch on a phone, by keyboard on a desktop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from handlers.review.verdicts import VerdictDraft, record_verdict
from schedules.context import Context
from storage.db.models import FilmView, Submission, Verdict
from tests.browser.conftest import opener
from tests.browser.stage import HEAD_ACCOUNT, LEADER_ACCOUNT, Stage, county
from tests.browser.test_reachable import serious
from tests.browser.windows import DESK, PHONE, Window
from tests.harness import NIGHT, row

FILM = "document.getElementById('film')"
PAGE = re.compile(r"/films/2026-11-24/1124-\d{4}")


@pytest.fixture
def stage(tmp_path: Path, chromium: Browser) -> Iterator[Stage]:
    """The county at a quarter past midnight, after one enterprise has filmed three parts."""
    with county(tmp_path) as made:
        made.story.time("00:15")
        for part in ("1", "2", "3"):
            made.film("patrol001", part)
        yield made


def until(page: Page, condition: str) -> None:
    """Wait for a condition. Playwright's wait_for_function needs eval, which the page's security policy forbids."""
    for _ in range(150):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def leave(page: Page, before: str) -> None:
    """Wait until the page has changed."""
    page.wait_for_url(lambda url: url != before)


def watch_for_a_while(page: Page, stage: Stage) -> None:
    """Play the film until the player has reported it."""
    stage.story.clock.instant += timedelta(seconds=30)
    page.evaluate(f"{FILM}.play()")
    until(page, f"{FILM}.currentTime > 1")
    page.evaluate(f"{FILM}.pause()")
    expect(page.locator("#watched")).to_have_text(re.compile(r"[1-9]\d* s"))


@pytest.mark.parametrize("window", [PHONE, DESK], ids=lambda window: window.name)
def test_a_leader_reviews_the_whole_queue(chromium: Browser, stage: Stage, window: Window) -> None:
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, window)
        page.goto("/review")
        assert serious(page) == []
        page.get_by_role("button", name="开始审看").click()
        page.wait_for_url(PAGE)
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        watch_for_a_while(page, stage)
        _judge_problem(page, window)
        page.wait_for_url(PAGE)
        for _ in range(2):
            before = page.url
            _say_fit(page, window)
            leave(page, before)
        expect(page.get_by_text("要审看的都看完了")).to_be_visible()
    with stage.story.office() as store:
        given = store.session.query(Verdict).order_by(Verdict.id).all()
        assert [each.verdict for each in given] == ["problem", "fit", "fit"]
        assert given[0].reason == "阀门滴漏"
        assert given[0].watched_s >= 1
        assert (given[0].at_s or 0) >= 1
        assert max(each.watched_s for each in store.session.query(FilmView)) < 30
        assert store.review.verdict_counts(NIGHT) == {"problem": 1, "fit": 2}
    stage.story.settle()
    assert any("阀门滴漏" in text for text in stage.story.hears(HEAD_ACCOUNT))


def _judge_problem(page: Page, window: Window) -> None:
    """Without a reason the form is not sent and asks for one."""
    before = page.url
    if window is PHONE:
        page.get_by_role("button", name="有问题").tap()
    else:
        page.keyboard.press("2")
    expect(page.locator("#reason-missing")).to_be_visible()
    assert page.url == before
    page.get_by_label("原因").fill("阀门滴漏")
    page.get_by_role("button", name="有问题").click()
    leave(page, before)


def _say_fit(page: Page, window: Window) -> None:
    if window is PHONE:
        page.get_by_role("button", name="合格", exact=False).first.tap()
    else:
        page.keyboard.press("1")


def test_the_player_works_by_keyboard(chromium: Browser, stage: Stage) -> None:
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, DESK)
        page.goto("/films/2026-11-24/1124-0001")
        until(page, f"{FILM}.readyState >= 1")
        page.keyboard.press("ArrowRight")
        until(page, f"{FILM}.currentTime >= 4.9")
        page.keyboard.press("x")
        assert page.evaluate(f"{FILM}.playbackRate") == 2
        page.keyboard.press(" ")
        until(page, f"!{FILM}.paused")
        page.locator("#contact-sheet summary").click()
        until(page, "document.querySelector('#contact-sheet img').naturalWidth > 1000")
        page.goto("/films")
        until(page, "[...document.querySelectorAll('.film-card img')].every(each => each.naturalWidth === 320)")
        assert serious(page) == []


def test_an_expired_film_url_is_renewed(chromium: Browser, stage: Stage) -> None:
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, DESK)
        page.goto("/films/2026-11-24/1124-0001")
        until(page, f"{FILM}.readyState >= 1")
        old = page.evaluate(f"{FILM}.src")
        stage.story.clock.instant += timedelta(minutes=11)
        page.evaluate(f"{FILM}.dispatchEvent(new Event('error'))")
        until(page, f"{FILM}.src !== " + json.dumps(old))
        until(page, f"{FILM}.readyState >= 1")
        new = page.evaluate(f"{FILM}.src")
        assert (page.request.get(old).status, page.request.get(new).status) == (410, 200), "only the new URL plays"


def test_a_head_answers_a_rectification_request_on_the_phone(chromium: Browser, stage: Stage) -> None:
    with stage.story.office() as store:
        leader = store.register.account_owner("wecom", LEADER_ACCOUNT, stage.story.clock.now())
        assert leader is not None
        film = row(store, Submission, number=1)
        judged = VerdictDraft(film.id, "problem", leader, reason="通道堵塞")
        record_verdict(judged, Context(store, stage.story.bot.uow.rules(store), stage.story.clock.now()))
    with opener(chromium, stage) as open_as:
        page = open_as(HEAD_ACCOUNT, PHONE)
        page.goto("/films?show=problem")
        page.locator(".film-card").first.click()
        expect(page.get_by_text("通道堵塞")).to_be_visible()
        assert serious(page) == []
        page.get_by_label("处置情况").fill("已清理")
        page.get_by_role("button", name="答复").click()
        expect(page.get_by_text("已清理")).to_be_visible()
