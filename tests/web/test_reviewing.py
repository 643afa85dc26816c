"""The review page: who gets which film, what a verdict does, and who may give one."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from handlers.permissions import ADMIN, AUDITOR, HEAD, LEADER, PATROLLER, STAFF
from handlers.review.verdicts import claim_next
from storage.db.models import Person
from tests.harness import NIGHT, row
from tests.web.parts import Browser, Room
from tests.web.test_films import FILM, film_of

SECOND = FILM.replace("0001", "0002")


def judge(browser: Browser, word: str, reason: str = "", page: str = FILM, **more: str) -> str | None:
    """Give a verdict on the page of a film; where one is led then."""
    return browser.act(f"{page}/verdict", {"word": word, "reason": reason, **more}).headers.get("Location")


def test_the_queue_leads_from_film_to_film_until_nothing_is_left(watch: Room) -> None:
    film_of(watch, "p1")
    film_of(watch, "p2")
    leader = watch.signed_in("leader")
    assert "应看 2 段，已看 0 段，还有 2 段；12:00 截止" in leader.get("/review").text
    assert leader.act("/review/next").headers["Location"] == f"{FILM}?review=1"
    assert judge(leader, "fit", reviewing="1") == f"{SECOND}?review=1"
    assert judge(leader, "fit", page=SECOND, reviewing="1") == "/review?done=1"
    page = leader.get("/review?done=1").text
    assert "要审看的都看完了" in page
    assert "应看 2 段，已看 2 段，还有 0 段" in page


def test_two_reviewers_never_have_the_same_film_in_hand(watch: Room) -> None:
    film_of(watch, "p1")
    film_of(watch, "p2")
    leader, staff = watch.signed_in("leader"), watch.signed_in("staff")
    assert leader.act("/review/next").headers["Location"].startswith(FILM)
    assert "李局 正在审看" in staff.get(FILM).text
    assert staff.act("/review/next").headers["Location"].startswith(SECOND)
    assert "正由另一位审看" in staff.act(f"{FILM}/verdict", {"word": "fit"}).text
    assert staff.act(f"{FILM}/claim").status_code == 409
    watch.story.clock.instant += timedelta(minutes=11)
    assert staff.act(f"{FILM}/claim").headers["Location"] == f"{FILM}?review=1"


def test_many_who_ask_at_once_get_a_film_each(watch: Room) -> None:
    for who in ("p1", "p2", "p3", "p4"):
        film_of(watch, who)
    memory, everybody = watch.story.bot.uow, Barrier(4)
    with watch.story.office() as store:
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


def test_who_goes_on_watching_keeps_the_film(watch: Room) -> None:
    film_of(watch)
    leader, staff = watch.signed_in("leader"), watch.signed_in("staff")
    page = leader.get(leader.act("/review/next").headers["Location"]).text
    look = re.search(r'data-view="(\d+)"', page)
    assert look is not None
    watch.story.clock.instant += timedelta(minutes=9)
    leader.act(f"{FILM}/looks/{look[1]}", {"watched": "30", "covered": "10"})
    watch.story.clock.instant += timedelta(minutes=9)
    assert staff.act("/review/next").headers["Location"] == "/review?done=1"


def test_a_verdict_says_how_long_its_giver_has_watched(watch: Room) -> None:
    film_of(watch)
    leader = watch.signed_in("leader")
    look = re.search(r'data-view="(\d+)"', leader.get(FILM).text)
    assert look is not None
    watch.story.clock.instant += timedelta(seconds=20)
    judge(leader, "fit", look=look[1], watched="9", covered="12")
    assert "看了9秒" in watch.signed_in("head").get(FILM).text


def test_anything_but_fit_wants_a_reason_and_the_office_can_read_it(watch: Room) -> None:
    film_of(watch)
    staff = watch.signed_in("staff")
    assert "请写一句原因" in staff.act(f"{FILM}/verdict", {"word": "unclear"}).text
    assert judge(staff, "unclear", "太暗") == FILM
    watch.story.settle()
    assert watch.story.hears("p1")[0].startswith("⚠️ 1124-0001（1 罐区，00:15）审看时看不清（太暗）。")
    assert "太暗" in watch.signed_in("head").get(FILM).text
    assert "返回首页" not in staff.get("/films?show=rejected").text
    assert "1124-0001" in staff.get("/films?show=rejected").text


def test_a_problem_put_to_an_enterprise_is_answered_on_its_page(watch: Room) -> None:
    film_of(watch)
    judge(watch.signed_in("leader"), "problem", "阀门滴漏", at_s="4.0")
    watch.story.settle()
    for who in ("h1", "p1"):
        picture, words = watch.story.hears(who)
        assert picture == "1124-0001.jpg"
        assert "阀门滴漏（李局）" in words
    kept = watch.story.bot.objects.stat("pictures/2026-11-24/1124-0001/still-40.jpg")
    assert kept is not None
    head = watch.signed_in("head")
    assert "还没有答复" in head.get(FILM).text
    watch.story.clock.instant += timedelta(minutes=12)
    head.act(f"{FILM}/answer", {"words": "已更换垫片"})
    watch.story.settle()
    assert watch.story.hears("leader") == ["💬 甲化工 甲化工负责人 答复 1124-0001（1 罐区）：已更换垫片"]
    page = watch.signed_in("leader").get(FILM).text
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
def test_who_may_do_what(watch: Room, role: str, sees: int, judges: int, copies: int) -> None:
    film_of(watch)
    browser = watch.signed_in(role)
    assert browser.get(FILM).status_code == 200
    assert browser.get("/review").status_code == sees
    assert browser.act("/review/next").status_code == judges
    assert browser.act(f"{FILM}/claim").status_code == judges
    assert browser.act(f"{FILM}/verdict", {"word": "fit"}).status_code == judges
    assert browser.act(f"{FILM}/copy", buffered=True).status_code == copies
    answers = 302 if role in (PATROLLER, HEAD) else 403
    assert browser.act(f"{FILM}/answer", {"words": ""}).status_code == answers


def test_an_action_from_another_site_changes_nothing(watch: Room) -> None:
    film_of(watch)
    leader = watch.signed_in("leader")
    assert leader.post(f"{FILM}/verdict", data={"word": "fit"}).status_code == 400
    with watch.story.office() as store:
        assert store.review.verdict_counts(NIGHT) == {}
