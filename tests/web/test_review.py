"""The review page: who gets which film, what a verdict does, and who may give one."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from handlers.permissions import ADMIN, AUDITOR, HEAD, LEADER, PATROLLER, STAFF
from handlers.review.claims import claim_next
from storage.db.models import Person, Verdict
from tests.harness import NIGHT, row
from tests.web.parts import Browser, Dashboard
from tests.web.test_films import FILM, film_of

SECOND = FILM.replace("0001", "0002")


def judge(browser: Browser, word: str, reason: str = "", page: str = FILM, **more: str) -> str | None:
    """Give a verdict on the page of a film; returns the URL of the next page."""
    return browser.act(f"{page}/verdict", {"word": word, "reason": reason, **more}).headers.get("Location")


def after_undo_period(dashboard: Dashboard) -> None:
    """Let the notices of a verdict fall due."""
    dashboard.story.settle()
    dashboard.story.settle(10)


def test_each_verdict_leads_to_the_next_film(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader = dashboard.signed_in("leader")
    assert "应看 2 段，已看 0 段，还有 2 段；12:00 截止" in leader.get("/review").text
    assert leader.act("/review/next").headers["Location"] == f"{FILM}?review=1"
    assert judge(leader, "fit", reviewing="1") == f"{SECOND}?review=1"
    assert judge(leader, "fit", page=SECOND, reviewing="1") == "/review?done=1"
    page = leader.get("/review?done=1").text
    assert "要审看的都看完了" in page
    assert "应看 2 段，已看 2 段，还有 0 段" in page


def test_a_film_is_claimed_by_one_reviewer(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
    assert leader.act("/review/next").headers["Location"].startswith(FILM)
    assert "李局 正在审看" in staff.get(FILM).text
    assert staff.act("/review/next").headers["Location"].startswith(SECOND)
    assert "正由另一位审看" in staff.act(f"{FILM}/verdict", {"word": "fit"}).text
    assert staff.act(f"{FILM}/claim").status_code == 409
    dashboard.story.clock.instant += timedelta(minutes=11)
    assert staff.act(f"{FILM}/claim").headers["Location"] == f"{FILM}?review=1"


def test_parallel_requests_claim_different_films(dashboard: Dashboard) -> None:
    for who in ("p1", "p2", "p3", "p4"):
        film_of(dashboard, who)
    memory, everybody = dashboard.story.bot.uow, Barrier(4)
    with dashboard.story.office() as store:
        people = [row(store, Person, name=name).id for name in ("李局", "赵局", "王科", "管理员甲")]

    def take(person_id: int) -> int | None:
        everybody.wait(10)
        with memory.transaction() as store:
            person = store.register.person(person_id)
            assert person is not None
            reel = claim_next(person, memory.context(store))
        return reel.film.id if reel else None

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, people))
    assert None not in taken
    assert len(set(taken)) == 4


def test_watching_renews_the_claim(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
    page = leader.get(leader.act("/review/next").headers["Location"]).text
    look = re.search(r'data-view="(\d+)"', page)
    assert look is not None
    dashboard.story.clock.instant += timedelta(minutes=9)
    leader.act(f"{FILM}/looks/{look[1]}", {"watched": "30", "covered": "10"})
    dashboard.story.clock.instant += timedelta(minutes=9)
    assert staff.act("/review/next").headers["Location"] == "/review?done=1"


def test_a_verdict_records_the_time_watched(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    look = re.search(r'data-view="(\d+)"', leader.get(FILM).text)
    assert look is not None
    dashboard.story.clock.instant += timedelta(seconds=20)
    judge(leader, "fit", look=look[1], watched="9", covered="12")
    assert "看了9秒" in dashboard.signed_in("head").get(FILM).text


def test_verdicts_other_than_fit_need_a_reason(dashboard: Dashboard) -> None:
    film_of(dashboard)
    staff = dashboard.signed_in("staff")
    assert "请写一句原因" in staff.act(f"{FILM}/verdict", {"word": "unclear"}).text
    assert judge(staff, "unclear", "太暗") == FILM
    after_undo_period(dashboard)
    assert dashboard.story.hears("p1")[0].startswith("⚠️ 1124-0001（1 罐区，00:15）审看时看不清（太暗）。")
    assert "太暗" in dashboard.signed_in("head").get(FILM).text
    assert "返回首页" not in staff.get("/films?show=rejected").text
    assert "1124-0001" in staff.get("/films?show=rejected").text


def test_an_enterprise_answers_a_rectification_request(dashboard: Dashboard) -> None:
    film_of(dashboard)
    judge(dashboard.signed_in("leader"), "problem", "阀门滴漏", at_s="4.0")
    after_undo_period(dashboard)
    for who in ("h1", "p1"):
        picture, words = dashboard.story.hears(who)
        assert picture == "1124-0001.jpg"
        assert "阀门滴漏（李局）" in words
    kept = dashboard.story.bot.objects.stat("pictures/2026-11-24/1124-0001/still-40.jpg")
    assert kept is not None
    head = dashboard.signed_in("head")
    assert "还没有答复" in head.get(FILM).text
    dashboard.story.clock.instant += timedelta(minutes=12)
    head.act(f"{FILM}/answer", {"words": "已更换垫片"})
    dashboard.story.settle()
    assert dashboard.story.hears("leader") == ["💬 甲化工 甲化工负责人 答复 1124-0001（1 罐区）：已更换垫片"]
    page = dashboard.signed_in("leader").get(FILM).text
    assert "已更换垫片" in page
    times = page[page.index("办理进度") :]
    assert [times.count(f"11-24 {when}") >= 1 for when in ("00:15", "00:27")] == [True, True]


@pytest.mark.parametrize(
    ("role", "sees", "judges", "copies"),
    [
        (PATROLLER, 403, 403, 403),
        (HEAD, 403, 403, 403),
        (LEADER, 200, 302, 200),
        (STAFF, 200, 302, 200),
        (AUDITOR, 200, 403, 200),
        (ADMIN, 200, 302, 200),
    ],
)
def test_some_roles_give_verdicts(dashboard: Dashboard, role: str, sees: int, judges: int, copies: int) -> None:
    film_of(dashboard)
    browser = dashboard.signed_in(role)
    assert browser.get(FILM).status_code == 200
    assert browser.get("/review").status_code == sees
    assert browser.act("/review/next").status_code == judges
    assert browser.act(f"{FILM}/claim").status_code == judges
    assert browser.act(f"{FILM}/verdict", {"word": "fit"}).status_code == judges
    assert browser.act(f"{FILM}/copy", buffered=True).status_code == copies
    answers = 302 if role in (PATROLLER, HEAD) else 403
    assert browser.act(f"{FILM}/answer", {"words": ""}).status_code == answers


def test_a_verdict_without_csrf_token_is_refused(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    assert leader.post(f"{FILM}/verdict", data={"word": "fit"}).status_code == 400
    with dashboard.story.office() as store:
        assert store.review.verdict_counts(NIGHT) == {}


def test_the_same_verdict_given_twice_counts_once(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    judge(leader, "unclear", "太暗")
    dashboard.story.clock.instant += timedelta(seconds=2)
    judge(leader, "unclear", "太暗")
    after_undo_period(dashboard)
    assert len(dashboard.story.hears("p1")) == 1
    with dashboard.story.office() as store:
        assert store.session.query(Verdict).count() == 1


def test_an_enterprise_sees_a_verdict_once_it_cannot_be_undone(dashboard: Dashboard) -> None:
    film_of(dashboard)
    judge(dashboard.signed_in("leader"), "problem", "阀门滴漏")
    head = dashboard.signed_in("head")
    for path in (FILM, "/films?show=problem"):
        assert "有问题</span>" not in head.get(path).text
    assert head.act(f"{FILM}/answer", {"words": "没有的事"}).status_code == 302
    after_undo_period(dashboard)
    for path in (FILM, "/films?show=problem"):
        assert "有问题</span>" in head.get(path).text
    assert "没有的事" not in head.get(FILM).text
    dashboard.story.hears("h1"), dashboard.story.hears("p1")
