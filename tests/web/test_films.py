"""The films of a night: who may see them, how their bytes come, and that every look is on record."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import av
import pytest
import requests
from werkzeug.test import TestResponse

from storage.db.models import FilmView
from storage.film import probe_film
from tests.harness import at
from tests.web.parts import Browser, Room

FILM = "/films/2026-11-24/1124-0001"


def film_of(watch: Room, who: str = "p1", part: str = "1") -> None:
    """A patroller films a part a quarter past midnight."""
    watch.story.time("00:15")
    watch.story.says(who, part)
    watch.story.film(who)
    watch.story.hears(who)


def media_of(browser: Browser, page: str = FILM) -> str:
    """The address from which the page plays."""
    found = re.search(r'src="(/films/media/[^"]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


def bytes_of(browser: Browser, address: str, ranges: str | None = None) -> TestResponse:
    """What a player gets from there; from the object store itself where that hands it out."""
    return browser.get(address, headers={"Range": ranges} if ranges else {}, buffered=True)


def fetched(browser: Browser, address: str, ranges: str | None = None) -> tuple[int, bytes, str | None]:
    """Status, bytes and range of an answer, from wherever the film is handed out."""
    answer = bytes_of(browser, address, ranges)
    if answer.status_code != 302:
        return answer.status_code, answer.data, answer.headers.get("Content-Range")
    headers = {"Range": ranges} if ranges else {}
    there = requests.get(
        answer.headers["Location"], headers=headers, verify=os.environ.get("AWS_CA_BUNDLE", True), timeout=10
    )
    return there.status_code, there.content, there.headers.get("Content-Range")


def test_the_films_of_a_night_stand_in_a_list_with_the_riskiest_first(watch: Room) -> None:
    film_of(watch, "p1")
    film_of(watch, "p2")
    page = watch.signed_in("staff").get("/films").text
    assert page.index("1124-0001") < page.index("1124-0002")
    assert "甲化工" in page
    assert "红色风险" in page


def test_an_enterprise_sees_its_own_films_and_no_others(watch: Room) -> None:
    film_of(watch, "p1")
    film_of(watch, "p2")
    head = watch.signed_in("head")
    assert "1124-0002" not in head.get("/films").text
    assert head.get(FILM).status_code == 200
    foreign = FILM.replace("0001", "0002")
    for path in (foreign, f"{foreign}/thumb.jpg", f"{foreign}/sheet.jpg", f"{foreign}/link"):
        assert head.get(path).status_code == 404
    assert head.act(f"{foreign}/looks/1").status_code == 404
    assert head.act(f"{foreign}/answer", {"words": "x"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/films/2026-11-24/1124-0009", "/films/2026-02-31/1124-0001", "/films/x/y", "/films/2025-11-24/1124-0001"]
)
def test_what_is_not_there_is_not_found(watch: Room, path: str) -> None:
    film_of(watch)
    assert watch.signed_in("staff").get(path).status_code == 404


def test_every_look_is_on_record_and_the_enterprise_sees_who_looked(watch: Room) -> None:
    film_of(watch)
    leader = watch.signed_in("leader")
    leader.get(FILM)
    leader.get(f"{FILM}/sheet.jpg")
    page = watch.signed_in("head").get(FILM).text
    looks = page[page.index("查看记录") :]
    assert "李局" in looks
    assert "看十二格预览" in looks
    with watch.story.office() as store:
        views = store.session.query(FilmView).order_by(FilmView.id)
        assert [(each.viewer_name, each.kind, each.by_supervisor) for each in views] == [
            ("李局", "film", True),
            ("李局", "contact_sheet", True),
            ("甲化工负责人", "film", False),
        ]


def test_pictures_are_drawn_once_and_kept_beside_the_films(watch: Room) -> None:
    film_of(watch)
    staff = watch.signed_in("staff")
    thumb = staff.get(f"{FILM}/thumb.jpg")
    assert (thumb.status_code, thumb.content_type, thumb.data[:2]) == (200, "image/jpeg", b"\xff\xd8")
    kept = watch.story.bot.objects.stat("pictures/2026-11-24/1124-0001/thumb.jpg")
    assert kept is not None
    assert kept.size == len(thumb.data)
    assert staff.get(f"{FILM}/still.jpg").status_code == 404


class TestBytes:
    """A player asks for pieces: our own web hands them out of a directory, the object store does so itself."""

    def test_pieces_are_handed_out_as_asked(self, watch: Room) -> None:
        film_of(watch)
        browser = watch.signed_in("leader")
        address = media_of(browser)
        status, whole, _ = fetched(browser, address)
        assert status == 200
        size = len(whole)
        for asked, piece, told in (
            ("bytes=0-99", whole[:100], f"bytes 0-99/{size}"),
            ("bytes=100-", whole[100:], f"bytes 100-{size - 1}/{size}"),
            ("bytes=-50", whole[-50:], f"bytes {size - 50}-{size - 1}/{size}"),
        ):
            assert fetched(browser, address, asked) == (206, piece, told)

    def test_a_piece_that_is_not_there_is_refused(self, watch: Room) -> None:
        film_of(watch)
        browser = watch.signed_in("leader")
        assert fetched(browser, media_of(browser), "bytes=99999999-")[0] == 416

    def test_a_link_lives_for_minutes_and_for_one_person(self, watch: Room) -> None:
        film_of(watch)
        leader, staff = watch.signed_in("leader"), watch.signed_in("staff")
        address = media_of(leader)
        assert staff.get(address).status_code == 404
        assert watch.browser().get(address).status_code == 302
        watch.story.clock.instant += timedelta(minutes=11)
        old = leader.get(address)
        assert (old.status_code, "过期" in old.text) == (410, True)
        altered = leader.get(f"{address}x")
        assert (altered.status_code, "这个播放地址不对" in altered.text) == (404, True)
        fresh = leader.get(f"{FILM}/link").get_json()["url"]
        assert bytes_of(leader, fresh).status_code in (200, 302)


def test_the_policy_lets_films_come_from_the_object_store_and_from_nowhere_else(watch: Room) -> None:
    film_of(watch)
    browser = watch.signed_in("leader")
    page = browser.get(FILM)
    answer = bytes_of(browser, media_of(browser))
    media = re.search(r"media-src ([^;]+)", page.headers["Content-Security-Policy"])
    assert media is not None
    store = answer.headers["Location"].split("/")[2] if answer.status_code == 302 else None
    assert media[1] == (f"'self' https://{store}" if store else "'self'")


def test_nobody_has_watched_for_longer_than_the_look_has_lasted(watch: Room) -> None:
    film_of(watch)
    leader = watch.signed_in("leader")
    page = leader.get(FILM).text
    look = re.search(r'data-view="(\d+)"', page)
    assert look is not None
    watch.story.clock.instant += timedelta(seconds=8)
    assert leader.act(f"{FILM}/looks/{look[1]}", {"watched": "900", "covered": "900"}).status_code == 204
    with watch.story.office() as store:
        kept = store.view_log.get(int(look[1]))
        assert kept is not None
        assert (kept.watched_s, kept.covered_s) == (8.0, 12.0)
    watch.signed_in("staff").act(f"{FILM}/looks/{look[1]}", {"watched": "9", "covered": "9"})
    leader.act(f"{FILM}/looks/{look[1]}", {"watched": "nan", "covered": "-1"})
    with watch.story.office() as store:
        kept = store.view_log.get(int(look[1]))
        assert kept is not None
        assert kept.watched_s == 8.0


def test_a_copy_bears_the_viewers_name_and_only_some_may_have_one(watch: Room, tmp_path) -> None:  # type: ignore[no-untyped-def]
    film_of(watch)
    assert watch.signed_in("head").act(f"{FILM}/copy").status_code == 403
    copy = watch.signed_in("leader").act(f"{FILM}/copy", buffered=True)
    assert copy.status_code == 200
    assert copy.headers["Content-Disposition"] == "attachment; filename=2026-11-24-1124-0001.mp4"
    (tmp_path / "copy.mp4").write_bytes(copy.data)
    film = probe_film(tmp_path / "copy.mp4")
    assert (film.fault, film.duration_s) == (None, 12.0)
    with watch.story.bot.objects.open("films/2026-11-24/1124-0001.mp4") as kept:
        (tmp_path / "film.mp4").write_bytes(kept.read())
    assert _differ(tmp_path / "film.mp4", tmp_path / "copy.mp4") > 5


def _differ(one, other) -> float:  # type: ignore[no-untyped-def]
    """By how much the brightness of two films' first pictures differs, at the points where it does most."""
    lumas = []
    for path in (one, other):
        with av.open(str(path)) as container:
            lumas.append(next(container.decode(video=0)).to_image().convert("L").tobytes())
    differences = sorted(abs(a - b) for a, b in zip(*lumas, strict=True))
    return differences[-len(differences) // 50]


def test_script_in_a_name_shows_as_text(watch: Room) -> None:
    with watch.story.office() as store:
        store.register.enterprise_by_code("E001").short_name = "<script>alert(1)</script>"  # type: ignore[union-attr]
    film_of(watch)
    staff = watch.signed_in("staff")
    for page in ("/films", FILM, "/review"):
        assert "<script>alert" not in staff.get(page).text
    assert at("00:15") == watch.story.clock.instant
