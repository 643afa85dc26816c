"""The review page: who gets which film, what a verdict does, and who may give one."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from werkzeug.test import TestResponse

from handlers.permissions import ADMIN, AUDITOR, HEAD, LEADER, PATROLLER, STAFF
from handlers.review.claims import claim_next
from storage.db.models import FilmView, Person, Verdict
from tests.harness import NIGHT, row
from tests.web.parts import HERE, Browser, Dashboard
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


def test_an_enterprise_sees_the_hazard_and_when_what_happened(dashboard: Dashboard) -> None:
    film_of(dashboard)
    judge(dashboard.signed_in("leader"), "problem", "阀门滴漏", at_s="4.0")
    after_undo_period(dashboard)
    for who in ("h1", "p1"):
        picture, words = dashboard.story.hears(who)[:2]
        assert picture == "1124-0001.jpg"
        assert words.startswith("🚩 李局 登记了隐患 YH-2026-0001：甲化工 · 1 罐区，阀门滴漏。")
    kept = dashboard.story.bot.objects.stat("pictures/2026-11-24/1124-0001/still-40.jpg")
    assert kept is not None
    head = dashboard.signed_in("head")
    page = head.get(FILM).text
    assert '<a href="/hazards/YH-2026-0001">' in page
    dashboard.story.clock.instant += timedelta(minutes=12)
    head.act("/hazards/YH-2026-0001/edit", {"responsible": "甲化工负责人", "measure": "更换垫片"})
    dashboard.story.settle()
    dashboard.story.hears("h1")
    film_of(dashboard)
    head.act("/hazards/YH-2026-0001/submit", {"receipt": "1124-0002"})
    dashboard.story.settle()
    for who in ("leader", "staff"):
        assert "甲化工负责人 报隐患 YH-2026-0001 整改完成" in dashboard.story.hears(who)[1]
    page = dashboard.signed_in("leader").get(FILM).text
    times = page[page.index("办理进度") :]
    for label, instant in (("通知企业", "00:15"), ("报整改完成", "00:27")):
        assert f"{label}</span> 11-24 {instant}" in times


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
    for path in (FILM, "/hazards", "/hazards/week", "/own/"):
        assert "阀门滴漏" not in head.get(path).text
    assert head.get("/hazards/YH-2026-0001").status_code == 404
    assert "阀门滴漏" in dashboard.signed_in("leader").get("/hazards").text
    after_undo_period(dashboard)
    for path in (FILM, "/films?show=problem"):
        assert "有问题</span>" in head.get(path).text
    for path in (FILM, "/hazards", "/hazards/week", "/own/", "/hazards/YH-2026-0001"):
        assert "阀门滴漏" in head.get(path).text
    dashboard.story.hears("h1"), dashboard.story.hears("p1")


def prefetched(browser: Browser, page: str = FILM) -> str | None:
    """The path of the film that a browser fetches ahead of its turn."""
    answer = browser.act(f"{page}/next")
    found = re.search(r'id="film-view" data-page="([^"]+)"', answer.text)
    return found[1] if found else None


def judged_by_script(browser: Browser, page: str = FILM, **more: str) -> TestResponse:
    headers = {"Referer": f"{HERE}/account", "Accept": "application/json"}
    return browser.act(f"{page}/verdict", {"word": "fit", "reviewing": "1", **more}, headers=headers)


def test_a_prefetched_film_is_kept_for_a_minute_and_counts_as_seen_by_nobody(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
    leader.act("/review/next")
    assert prefetched(leader) == SECOND
    assert prefetched(leader) == SECOND
    with dashboard.story.office() as store:
        assert store.session.query(FilmView).count() == 0
    assert staff.act("/review/next").headers["Location"] == "/review?done=1"
    dashboard.story.clock.instant += timedelta(seconds=61)
    assert staff.act("/review/next").headers["Location"] == f"{SECOND}?review=1"
    assert prefetched(leader) is None
    assert judged_by_script(leader, prefetched=SECOND).json["url"] == "/review?done=1"


def test_watching_keeps_the_prefetched_film(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
    page = leader.get(leader.act("/review/next").headers["Location"]).text
    look = re.search(r'data-view="(\d+)"', page)
    assert look is not None
    prefetched(leader)
    for _ in range(3):
        dashboard.story.clock.instant += timedelta(seconds=40)
        leader.act(f"{FILM}/looks/{look[1]}", {"watched": "30", "covered": "10"})
    assert staff.act("/review/next").headers["Location"] == "/review?done=1"


def test_a_verdict_shows_the_prefetched_film_and_opens_it_then(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader = dashboard.signed_in("leader")
    leader.get(leader.act("/review/next").headers["Location"])
    prefetched(leader)
    answer = judged_by_script(leader, prefetched=SECOND).json
    assert answer["url"] == f"{SECOND}?review=1"
    assert "1124-0001" in answer["toast"]
    with dashboard.story.office() as store:
        view = store.view_log.get(answer["view"])
        assert view is not None
        assert (view.kind, view.opened_at) == ("film", dashboard.story.clock.instant)
        assert store.review.current_claim(view.person_id, view.opened_at) == view.submission_id


def test_a_verdict_in_the_chat_is_about_the_film_shown_and_not_about_the_prefetched_one(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader = dashboard.signed_in("leader")
    leader.act("/review/next")
    dashboard.story.clock.instant += timedelta(seconds=5)
    prefetched(leader)
    dashboard.story.says("leader", "合格")
    dashboard.story.hears("leader")
    with dashboard.story.office() as store:
        [given] = store.session.query(Verdict)
        film = store.submissions.get(given.submission_id)
        assert film is not None
        assert film.receipt == "1124-0001"


def test_a_verdict_by_script_that_is_refused_says_why(dashboard: Dashboard) -> None:
    film_of(dashboard)
    answer = judged_by_script(dashboard.signed_in("leader"), word="unclear")
    assert (answer.status_code, answer.text) == (409, "请写一句原因。")


def test_reasons_are_chosen_and_written(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    leader.act(f"{FILM}/verdict", {"word": "unclear", "chip": ["画面太暗", "画面太晃"], "reason": "看不到阀门"})
    after_undo_period(dashboard)
    assert "看不清（画面太暗、画面太晃、看不到阀门）" in dashboard.story.hears("p1")[0]


def test_the_toast_takes_a_verdict_back(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    judge(leader, "problem", "阀门滴漏")
    toast = re.search(r'name="verdict" value="(\d+)"', leader.get(FILM).text)
    assert toast is not None
    dashboard.story.clock.instant += timedelta(seconds=9)
    assert dashboard.signed_in("staff").act("/review/undo", {"verdict": toast[1]}).status_code == 409
    assert leader.act("/review/undo", {"verdict": toast[1]}).headers["Location"] == f"{FILM}?review=1"
    assert "没有可以撤销的结论" in leader.act("/review/undo", {"verdict": toast[1]}).text
    after_undo_period(dashboard)
    assert (dashboard.story.hears("h1"), dashboard.story.hears("p1")) == ([], [])
    assert "应看 1 段，已看 0 段" in leader.get("/review").text
    assert "已撤销" in leader.get(FILM).text
    head = dashboard.signed_in("head")
    assert "YH-2026-0001" not in head.get("/hazards").text + head.get(FILM).text
    trail = dashboard.signed_in("auditor").get("/trail").text
    assert "撤销了 2026-11-24 夜视频 1124-0001 的结论：有问题" in trail


def test_after_ten_seconds_the_toast_is_gone_and_undoing_is_refused(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    judge(leader, "problem", "阀门滴漏")
    toast = re.search(r'name="verdict" value="(\d+)"', leader.get(FILM).text)
    assert toast is not None
    after_undo_period(dashboard)
    assert "/review/undo" not in leader.get(FILM).text
    assert "已超过10秒" in leader.act("/review/undo", {"verdict": toast[1]}).text
    assert (len(dashboard.story.hears("h1")), len(dashboard.story.hears("p1"))) == (3, 2)


def test_the_page_of_the_next_film_leads_back_to_the_last_one(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    leader = dashboard.signed_in("leader")
    judge(leader, "fit", reviewing="1")
    assert f'href="{FILM}?review=1"' in leader.get(f"{SECOND}?review=1").text
