"""Tonight's board: what stands on it, for whom, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from handlers.permissions import ROLES
from storage.db.models import Enterprise, InboxRow, KeyPart, Person, Submission
from tests.bot.parts import until
from tests.harness import NIGHT, at, row
from tests.web.parts import Browser, Room, room

LOUD = "<script>alert('x')</script>"


def figure(page: str, state: str) -> int:
    """The number that stands over a state."""
    found = re.search(rf'class="count count--{state}[^>]*><b>(\d+)</b>', page)
    assert found is not None, state
    return int(found[1])


def test_the_board_shows_each_part_and_who_is_on_duty_and_what_comes_next(watch: Room) -> None:
    watch.story.time("00:10")
    watch.story.says("p1", "1")
    watch.story.film("p1")
    watch.story.hears("p1")
    page = watch.signed_in("leader").get("/").text
    assert figure(page, "unjudged") == 4
    assert re.search(r"甲化工</span> <span class=\"tile__done\">1/2", page)
    assert re.search(r"part--on_time[^>]*><b>1</b> <span class=\"part__name\">罐区", page)
    assert 'href="tel:138' in page
    assert re.search(r"01:37</time> 群里催报", page)
    assert "最近 00:10" in page


def test_what_has_not_come_by_the_end_is_missing_and_stands_first(watch: Room) -> None:
    watch.story.clock.instant = at("06:01")
    page = watch.signed_in("staff").get("/").text
    assert figure(page, "missing") == 4
    assert page.index("tile--missing") < page.index("甲化工")


def test_a_figure_opens_to_its_rows_and_words_find_an_enterprise(watch: Room) -> None:
    browser = watch.signed_in("staff")
    watch.story.time("00:10")
    for part in ("1", "2"):
        watch.story.says("p2", part)
        watch.story.film("p2")
    watch.story.hears("p2")
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?state=on_time").text) == ["乙化工"]
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?words=丙化").text) == ["丙化工"]
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?risk=蓝").text) == []
    assert len(re.findall("tile__name", browser.get("/?state=nonsense&risk=绿").text)) == 4


def test_where_we_were_down_is_hatched_and_said(watch: Room) -> None:
    watch.story.clock.instant = at("02:00")
    with watch.story.office() as store:
        store.outages.add("receiving", at("01:00"), at("01:20"), at("01:20"))
    page = watch.signed_in("leader").get("/").text
    assert 'fill="url(#hatch)"' in page
    assert "01:00–01:20 本系统没有运行" in page


def test_an_enterprise_sees_itself_and_nothing_else(watch: Room) -> None:
    head = watch.signed_in("head")
    page = head.get("/").text
    assert "甲化工" in page
    assert "乙化工" not in page
    assert figure(page, "unjudged") == 1
    assert head.get("/tonight/E001").status_code == 200
    assert head.get("/tonight/E002").status_code == 404
    assert head.get("/tonight/E999").status_code == 404
    assert head.get("/tonight/waiting").status_code == 403


def test_an_enterprise_page_shows_its_films_and_whom_to_call(watch: Room) -> None:
    watch.story.time("00:10")
    watch.story.says("p1", "1")
    watch.story.film("p1")
    watch.story.hears("p1")
    page = watch.signed_in("leader").get("/tonight/E001").text
    assert "1124-0001" in page
    assert "甲化工巡检员" in page
    assert "甲化工负责人" in page


def test_films_that_wait_are_behind_their_figure(watch: Room) -> None:
    watch.story.cloud.add_member("stranger")
    watch.story.time("00:10")
    watch.story.film("stranger")
    watch.story.hears("stranger")
    page = watch.signed_in("staff").get("/").text
    assert "未登记人员 1" in page
    assert "1124-0001" in watch.signed_in("staff").get("/tonight/waiting").text


def test_script_in_a_name_or_a_part_shows_as_text(watch: Room) -> None:
    with watch.story.office() as store:
        plant = row(store, Enterprise, code="E001")
        plant.name = plant.short_name = LOUD
        store.session.query(KeyPart).filter_by(enterprise_id=plant.id, number="1").one().name = LOUD
        row(store, Person, name="李局").name = LOUD
    browser = watch.signed_in("leader")
    for path in ("/", "/tonight/E001", "/account", f"/?words={LOUD}"):
        page = browser.get(path).text
        assert LOUD not in page
        assert "&lt;script&gt;" in page


def board_version(page: str) -> str:
    return re.findall(r"""hx-vals='{"version": "([0-9a-f]{16})"}'""", page)[0]


def test_a_board_that_polls_gets_nothing_until_something_has_changed(watch: Room) -> None:
    browser = watch.signed_in("leader")
    first = browser.get("/tonight/board")
    assert "<html" not in first.text
    version = board_version(first.text)
    unchanged = browser.get(f"/tonight/board?version={version}")
    assert (unchanged.status_code, unchanged.data) == (204, b"")
    watch.story.time("00:10")
    watch.story.says("p1", "1")
    watch.story.film("p1")
    watch.story.hears("p1")
    changed = until(lambda: board_of(browser, version))
    assert board_version(changed) != version


def board_of(browser: Browser, version: str) -> str:
    """What a poll of a board of that version is answered with."""
    return browser.get(f"/tonight/board?version={version}").text


def test_each_viewer_polls_a_board_of_their_own(watch: Room) -> None:
    """Two people can share a browser: a board of one must not count as the version of the other."""
    county, head = watch.signed_in("leader"), watch.signed_in("head")
    assert board_version(county.get("/").text) != board_version(head.get("/").text)
    assert "E002" in county.get("/tonight/board").text
    assert "E002" not in head.get("/tonight/board").text
    assert head.get("/tonight/board").headers["Cache-Control"] == "no-store"


# What each role may open; everything that is not named here is refused to it.
OPENS: dict[str, set[str]] = {
    "/": set(ROLES),
    "/account": set(ROLES),
    "/tonight/board": set(ROLES),
    "/tonight/E001": set(ROLES),
    "/tonight/waiting": {"staff", "auditor", "admin"},
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    """A browser of each role; opening pages leaves nothing behind, so they share one county."""
    with room(tmp_path_factory.mktemp("everybody")) as made:
        yield {role: made.signed_in(role) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", OPENS)
def test_each_role_opens_its_pages_and_no_other(everybody: dict[str, Browser], role: str, path: str) -> None:
    assert everybody[role].get(path).status_code == (200 if role in OPENS[path] else 403)


@pytest.mark.parametrize("role", ["leader", "head"])
def test_the_board_takes_few_queries_however_large_the_county(tmp_path: Path, role: str) -> None:
    for number, enterprises in enumerate((4, 40)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with room(folder, enterprises=enterprises) as made:
            _scatter(made, enterprises)
            browser, asked = made.signed_in(role), []
            engine = made.story.bot.uow.database.engine
            event.listen(engine, "before_cursor_execute", lambda *about, asked=asked: asked.append(about[2]))
            assert browser.get("/").status_code == 200
        assert len(asked) <= 10, "\n".join(asked)


def _scatter(made: Room, number: int) -> None:
    """Films of known people that nobody has placed yet: whose they may be costs a query of its own."""
    with made.story.office() as store:
        for place, person in enumerate(store.session.query(Person).limit(number).all()):
            said = {"channel": "wecom_app", "message_key": f"s{place}", "received_at": at("00:01")}
            heard = InboxRow(**said, raw="", state="done", dispatched=True)
            store.session.add(heard)
            store.session.flush()
            film = Submission(
                **said,
                night=NIGHT,
                number=9000 + place,
                inbox_id=heard.id,
                realm="wecom",
                sender="x",
                canonical_sender="x",
                person_id=person.id,
                kind="film",
                sent_at=at("00:01"),
                state="filed",
                attribution="unattributed",
                marks=[],
            )
            store.session.add(film)
