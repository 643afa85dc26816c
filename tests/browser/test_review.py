"""The review in a real browser: by touch on a phone, by keyboard on a desktop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from handlers.review.verdicts import VerdictDraft, record_verdict
from schedules.context import Context
from storage.db.models import Enterprise, FilmView, KeyPart, Submission, Verdict
from storage.review import UNDO_PERIOD
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
        assert given[0].reason == "跑冒滴漏、阀门"
        assert given[0].watched_s >= 1
        assert (given[0].at_s or 0) >= 1
        assert max(each.watched_s for each in store.session.query(FilmView)) < 30
        assert store.review.verdict_counts(NIGHT) == {"problem": 1, "fit": 2}
    assert stage.story.hears(HEAD_ACCOUNT) == []
    stage.story.settle()
    stage.story.settle(10)
    assert any("跑冒滴漏、阀门" in text for text in stage.story.hears(HEAD_ACCOUNT))


def _judge_problem(page: Page, window: Window) -> None:
    """Without a reason the form is not sent and asks for one."""
    before = page.url
    if window is PHONE:
        page.get_by_role("button", name="有问题").tap()
    else:
        page.keyboard.press("2")
    expect(page.get_by_role("alert")).to_have_text("请先选一个原因，或写一句说明，再按结论。")
    assert page.url == before
    page.get_by_label("跑冒滴漏").check()
    page.get_by_label("补充说明").fill("阀门")
    page.get_by_label("补充说明").press("Enter")
    assert page.url == before, "Enter in the reason gives no verdict"
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


def test_a_head_takes_over_a_hazard_on_the_phone(chromium: Browser, stage: Stage) -> None:
    with stage.story.office() as store:
        leader = store.register.account_owner("wecom", LEADER_ACCOUNT, stage.story.clock.now())
        assert leader is not None
        film = row(store, Submission, number=1)
        judged = VerdictDraft(film.id, "problem", leader, reason="通道堵塞")
        record_verdict(judged, Context(store, stage.story.bot.uow.rules(store), stage.story.clock.now()))
    stage.story.clock.instant += UNDO_PERIOD
    with opener(chromium, stage) as open_as:
        page = open_as(HEAD_ACCOUNT, PHONE)
        page.goto("/own/")
        expect(page.get_by_text("通道堵塞").first).to_be_visible()
        assert serious(page) == []
        page.get_by_role("link", name="去补全").tap()
        page.get_by_label("责任人").fill("甲化工负责人")
        page.get_by_label("整改措施").fill("已清理")
        page.get_by_role("button", name="保存").tap()
        expect(page.get_by_text("整改中").first).to_be_visible()
        assert serious(page) == []


SMALL = replace(PHONE, name="phone", settings={**PHONE.settings, "viewport": {"width": 360, "height": 640}})
# The controls that another element covers when they are scrolled into view.
COVERED = """() => [...document.querySelectorAll("a, main button, main summary, main input:not([type=hidden])")]
  .filter(each => each.checkVisibility() && !each.disabled && each.className !== "skip")
  .filter(each => {
    each.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = each.getBoundingClientRect();
    const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !(found && (each.contains(found) || found.contains(each) && found.tagName === "LABEL"));
  }).map(each => each.outerHTML.slice(0, 120))"""


def test_nothing_covers_a_control_on_a_small_phone(chromium: Browser, stage: Stage) -> None:
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, SMALL)
        page.goto("/review")
        assert page.evaluate(COVERED) == []
        page.get_by_role("button", name="开始审看").tap()
        page.wait_for_url(PAGE)
        assert page.evaluate(COVERED) == []
        page.evaluate("scrollTo(0, 0)")
        bottoms = [each.bounding_box() for each in page.locator(".verdict-button").all()]
        assert all(box is not None and box["y"] + box["height"] <= 640 for box in bottoms), "the thumb reaches them"
        before = page.url
        page.get_by_role("button", name="合格").tap()
        leave(page, before)
        expect(page.get_by_role("button", name="撤销")).to_be_visible()
        assert page.evaluate(COVERED) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert serious(page) == []


@pytest.mark.parametrize("window", [SMALL, DESK], ids=["small", "desk"])
def test_sheets_are_passed_once_they_were_on_the_screen(chromium: Browser, stage: Stage, window: Window) -> None:
    with stage.story.office() as store:
        store.session.query(Enterprise).update({"risk": "蓝", "major_hazard_sources": 0})
        store.session.query(KeyPart).update({"risk": None})
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, window)
        page.goto("/review/sheets")
        boxes, submit = page.locator(".sheet input[type=checkbox]"), page.get_by_role("button", name="判为合格")
        expect(boxes).to_have_count(3)
        assert submit.is_disabled()
        expect(boxes.first).to_be_checked(timeout=30_000)
        if window is SMALL:
            assert boxes.last.is_disabled(), "it is below the screen"
            page.locator(".sheet img").last.scroll_into_view_if_needed()
        expect(boxes.last).to_be_checked(timeout=30_000)
        assert page.evaluate(COVERED) == []
        assert serious(page) == []
        boxes.last.uncheck()
        stage.story.clock.instant += timedelta(seconds=60)
        passed = page.locator(".sheet--seen").count() - 1
        submit.click()
        page.wait_for_url("**/review/sheets?night=*")
        expect(page.get_by_role("button", name="撤销")).to_be_visible()
        assert serious(page) == []
    with stage.story.office() as store:
        assert store.review.verdict_counts(NIGHT) == {"fit": passed}


def test_the_next_film_plays_at_once_and_a_key_takes_the_verdict_back(chromium: Browser, stage: Stage) -> None:
    with opener(chromium, stage) as open_as:
        page = open_as(LEADER_ACCOUNT, DESK)
        page.goto("/review")
        with page.expect_response(re.compile(r"/films/.*/next$")):
            page.get_by_role("button", name="开始审看").click()
            page.wait_for_url(PAGE)
        first, loads = page.url, []
        page.on("request", lambda each: loads.append(each.url) if each.resource_type == "document" else None)
        page.wait_for_timeout(500)
        page.keyboard.press("1")
        until(page, f"location.href !== {json.dumps(first)} && {FILM}.currentTime > 0")
        assert loads == [], "the page stays; only the film changes"
        page.keyboard.press("z")
        page.wait_for_url(first)
        with stage.story.office() as store:
            assert [each.is_undone for each in store.session.query(Verdict)] == [True]
            assert store.review.verdict_counts(NIGHT) == {}
        page.keyboard.press("1")
        page.wait_for_url(lambda url: url != first)
        page.keyboard.press("b")
        page.wait_for_url(first)
