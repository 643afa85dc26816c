"""The films of a night: who may see them, range requests, and the view log."""

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
from tests.web.parts import Browser, Dashboard

FILM = "/films/2026-11-24/1124-0001"


def film_of(dashboard: Dashboard, who: str = "p1", part: str = "1") -> None:
    """A patroller sends a film of a part at a quarter past midnight."""
    dashboard.story.time("00:15")
    dashboard.story.says(who, part)
    dashboard.story.film(who)
    dashboard.story.hears(who)


def media_of(browser: Browser, page: str = FILM) -> str:
    """The URL of the film in its page."""
    found = re.search(r'src="(/films/media/[^"]+)"', browser.get(page).text)
    assert found is not None
    return found[1]


def bytes_of(browser: Browser, address: str, ranges: str | None = None) -> TestResponse:
    """The response to a player; a redirect where the object store serves the film itself."""
    return browser.get(address, headers={"Range": ranges} if ranges else {}, buffered=True)


def fetched(browser: Browser, address: str, ranges: str | None = None) -> tuple[int, bytes, str | None]:
    """Status, bytes and Content-Range of the film, from the dashboard or the object store."""
    answer = bytes_of(browser, address, ranges)
    if answer.status_code != 302:
        return answer.status_code, answer.data, answer.headers.get("Content-Range")
    headers = {"Range": ranges} if ranges else {}
    there = requests.get(
        answer.headers["Location"], headers=headers, verify=os.environ.get("AWS_CA_BUNDLE", True), timeout=10
    )
    return there.status_code, there.content, there.headers.get("Content-Range")


def test_films_are_listed_by_risk(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    page = dashboard.signed_in("staff").get("/films").text
    assert page.index("1124-0001") < page.index("1124-0002")
    assert "甲化工" in page
    assert "红色风险" in page


def test_films_are_found_by_any_name_of_their_enterprise(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    staff = dashboard.signed_in("staff")
    for text in ("乙化工", "乙化工有限公司", "E002", "yhg"):
        page = staff.get(f"/films?enterprise={text}").text
        assert ("1124-0002" in page, "1124-0001" in page) == (True, False), text
    assert "1124-000" not in staff.get("/films?enterprise=不存在").text


def test_a_long_list_of_films_has_pages(dashboard: Dashboard) -> None:
    for part in "123":
        film_of(dashboard, "p1", part)
    staff = dashboard.signed_in("staff")
    assert "上一页" not in staff.get("/films?show=all").text
    second = staff.get("/films?show=all&from=1").text
    assert ("1124-0001" in second, "1124-0002" in second, "1124-0003" in second) == (False, True, True)
    assert 'href="?show=all">‹ 上一页' in second


def test_an_enterprise_sees_only_its_own_films(dashboard: Dashboard) -> None:
    film_of(dashboard, "p1")
    film_of(dashboard, "p2")
    head = dashboard.signed_in("head")
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
def test_unknown_films_are_not_found(dashboard: Dashboard, path: str) -> None:
    film_of(dashboard)
    assert dashboard.signed_in("staff").get(path).status_code == 404


def test_every_view_is_recorded_and_shown_to_the_enterprise(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    leader.get(FILM)
    leader.image(f"{FILM}/sheet.jpg")
    page = dashboard.signed_in("head").get(FILM).text
    looks = page[page.index("查看记录") :]
    assert "李局" in looks
    assert "看十二格预览" in looks
    with dashboard.story.office() as store:
        views = store.session.query(FilmView).order_by(FilmView.id)
        assert [(each.viewer_name, each.kind, each.by_supervisor) for each in views] == [
            ("李局", "film", True),
            ("李局", "contact_sheet", True),
            ("甲化工负责人", "film", False),
        ]


def test_thumbnails_are_stored_beside_the_films(dashboard: Dashboard) -> None:
    film_of(dashboard)
    staff = dashboard.signed_in("staff")
    thumb = staff.image(f"{FILM}/thumb.jpg")
    assert (thumb.status_code, thumb.content_type, thumb.data[:2]) == (200, "image/jpeg", b"\xff\xd8")
    kept = dashboard.story.bot.objects.stat("pictures/2026-11-24/1124-0001/thumbnail.jpg")
    assert kept is not None
    assert kept.size == len(thumb.data)
    assert staff.get(f"{FILM}/still.jpg").status_code == 404


def test_the_page_asks_again_for_an_image_that_is_not_drawn_yet(dashboard: Dashboard) -> None:
    film_of(dashboard)
    staff = dashboard.signed_in("staff")
    first = staff.get(f"{FILM}/sheet.jpg")
    assert (first.status_code, int(first.headers["Retry-After"]) > 0) == (202, True)
    assert "image_retry.js" in staff.get(FILM).text
    assert staff.image(f"{FILM}/sheet.jpg").status_code == 200


class TestBytes:
    """Range requests, served by the dashboard from a directory or by the object store."""

    def test_ranges_are_served(self, dashboard: Dashboard) -> None:
        film_of(dashboard)
        browser = dashboard.signed_in("leader")
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

    def test_a_range_past_the_end_is_refused(self, dashboard: Dashboard) -> None:
        film_of(dashboard)
        browser = dashboard.signed_in("leader")
        assert fetched(browser, media_of(browser), "bytes=99999999-")[0] == 416

    def test_a_link_expires_and_belongs_to_one_person(self, dashboard: Dashboard) -> None:
        film_of(dashboard)
        leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
        address = media_of(leader)
        assert staff.get(address).status_code == 404
        assert dashboard.browser().get(address).status_code == 302
        dashboard.story.clock.instant += timedelta(minutes=11)
        old = leader.get(address)
        assert (old.status_code, "过期" in old.text) == (410, True)
        altered = leader.get(f"{address}x")
        assert (altered.status_code, "这个播放地址无效" in altered.text) == (404, True)
        fresh = leader.get(f"{FILM}/link").get_json()["url"]
        assert bytes_of(leader, fresh).status_code in (200, 302)


def test_the_security_policy_allows_films_from_the_object_store_only(dashboard: Dashboard) -> None:
    film_of(dashboard)
    browser = dashboard.signed_in("leader")
    page = browser.get(FILM)
    answer = bytes_of(browser, media_of(browser))
    media = re.search(r"media-src ([^;]+)", page.headers["Content-Security-Policy"])
    assert media is not None
    store = answer.headers["Location"].split("/")[2] if answer.status_code == 302 else None
    assert media[1] == (f"'self' https://{store}" if store else "'self'")


def test_the_time_watched_is_limited_by_the_time_since_opening(dashboard: Dashboard) -> None:
    film_of(dashboard)
    leader = dashboard.signed_in("leader")
    page = leader.get(FILM).text
    look = re.search(r'data-view="(\d+)"', page)
    assert look is not None
    dashboard.story.clock.instant += timedelta(seconds=8)
    assert leader.act(f"{FILM}/looks/{look[1]}", {"watched": "900", "covered": "900"}).status_code == 204
    with dashboard.story.office() as store:
        kept = store.view_log.get(int(look[1]))
        assert kept is not None
        assert (kept.watched_s, kept.covered_s) == (8.0, 12.0)
    dashboard.signed_in("staff").act(f"{FILM}/looks/{look[1]}", {"watched": "9", "covered": "9"})
    leader.act(f"{FILM}/looks/{look[1]}", {"watched": "nan", "covered": "-1"})
    with dashboard.story.office() as store:
        kept = store.view_log.get(int(look[1]))
        assert kept is not None
        assert kept.watched_s == 8.0


def test_a_copy_has_a_watermark_and_needs_a_permission(dashboard: Dashboard, tmp_path) -> None:  # type: ignore[no-untyped-def]
    film_of(dashboard)
    assert dashboard.signed_in("head").act(f"{FILM}/copy").status_code == 403
    copy = dashboard.signed_in("leader").act(f"{FILM}/copy", buffered=True)
    assert copy.status_code == 200
    assert copy.headers["Content-Disposition"] == "attachment; filename=2026-11-24-1124-0001.mp4"
    (tmp_path / "copy.mp4").write_bytes(copy.data)
    film = probe_film(tmp_path / "copy.mp4")
    assert (film.fault, film.duration_s) == (None, 12.0)
    with dashboard.story.bot.objects.open("films/2026-11-24/1124-0001.mp4") as kept:
        (tmp_path / "film.mp4").write_bytes(kept.read())
    assert _differ(tmp_path / "film.mp4", tmp_path / "copy.mp4") > 5


def _differ(one, other) -> float:  # type: ignore[no-untyped-def]
    """The difference in brightness between the first frames of two films, at their 98th percentile of pixels."""
    lumas = []
    for path in (one, other):
        with av.open(str(path)) as container:
            lumas.append(next(container.decode(video=0)).to_image().convert("L").tobytes())
    differences = sorted(abs(a - b) for a, b in zip(*lumas, strict=True))
    return differences[-len(differences) // 50]


def test_names_are_escaped(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        store.register.enterprise_by_code("E001").short_name = "<script>alert(1)</script>"  # type: ignore[union-attr]
    film_of(dashboard)
    staff = dashboard.signed_in("staff")
    for page in ("/films", FILM, "/review"):
        assert "<script>alert" not in staff.get(page).text
    assert at("00:15") == dashboard.story.clock.instant
