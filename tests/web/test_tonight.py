"""Tonight's board: its content, who sees it, and its number of queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.web.dashboard.board import PAGE_SIZE
from handlers.permissions import ROLES
from storage.db.models import Enterprise, InboxRow, KeyPart, Person, Submission
from tests.bot.parts import until
from tests.harness import NIGHT, at, row
from tests.web.parts import Browser, Dashboard, open_dashboard

LOUD = "<script>alert('x')</script>"


def figure(page: str, state: str) -> int:
    """The count of a state on the board."""
    found = re.search(rf'class="count count--{state}[^>]*><b>(\d+)</b>', page)
    assert found is not None, state
    return int(found[1])


def test_the_board_shows_parts_duty_staff_and_the_next_reminder(dashboard: Dashboard) -> None:
    dashboard.story.time("00:10")
    dashboard.story.says("p1", "1")
    dashboard.story.film("p1")
    dashboard.story.hears("p1")
    page = dashboard.signed_in("leader").get("/").text
    assert figure(page, "unjudged") == 4
    assert re.search(r"甲化工</span> <span class=\"tile__done\">1/2", page)
    assert re.search(r"part--on_time[^>]*><b>1</b> <span class=\"part__name\">罐区", page)
    assert 'href="tel:138' in page
    assert re.search(r"01:37</time> 群里催报", page)
    assert "最近 00:10" in page


def test_missing_enterprises_come_first_after_the_window(dashboard: Dashboard) -> None:
    dashboard.story.clock.instant = at("06:01")
    page = dashboard.signed_in("staff").get("/").text
    assert figure(page, "missing") == 4
    assert page.index("tile--missing") < page.index("甲化工")


def test_the_board_filters_by_state_text_and_risk(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("staff")
    dashboard.story.time("00:10")
    for part in ("1", "2"):
        dashboard.story.says("p2", part)
        dashboard.story.film("p2")
    dashboard.story.hears("p2")
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?state=on_time").text) == ["乙化工"]
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?words=丙化").text) == ["丙化工"]
    assert re.findall(r'tile__name">(.*?)<', browser.get("/?risk=蓝").text) == []
    assert len(re.findall("tile__name", browser.get("/?state=nonsense&risk=绿").text)) == 4


def test_a_long_list_is_drawn_in_pages_and_whole_on_a_wall(tmp_path: Path) -> None:
    with open_dashboard(tmp_path, enterprises=PAGE_SIZE + 3, parts=1) as made:
        staff = made.signed_in("staff")
        whole = PAGE_SIZE + 3
        shown = {url: staff.get(url).text.count("tile__name") for url in ("/", "/?limit=121", "/?limit=x", "/?wall=1")}
        assert shown == {
            "/": PAGE_SIZE,
            "/?limit=121": PAGE_SIZE + 3,
            "/?limit=x": PAGE_SIZE,
            "/?wall=1": PAGE_SIZE + 3,
        }
        assert "显示其余 3 家" in staff.get("/").text
        more = re.findall(r'hx-get="(/tonight/board\?limit=\d+)"', staff.get("/").text)
        answer = staff.get(more[0])
        assert answer.text.count("tile__name") == whole
        assert answer.headers["HX-Replace-Url"] == "/?limit=240"


def test_what_still_misses_films_is_one_tap_from_a_call(dashboard: Dashboard) -> None:
    dashboard.story.time("00:10")
    for part in ("1", "2"):
        dashboard.story.says("p2", part)
        dashboard.story.film("p2")
    dashboard.story.hears("p2")
    page = dashboard.signed_in("leader").get("/").text
    assert re.search(r'href="tel:138\d+" aria-label="给甲化工负责人打电话"', page)
    assert "给乙化工" not in page
    assert "打电话" not in dashboard.signed_in("leader").get("/?wall=1").text
    assert re.search(r"<b>1/4</b> 家已报齐", page)


def test_an_outage_is_hatched_on_the_timeline(dashboard: Dashboard) -> None:
    dashboard.story.clock.instant = at("02:00")
    with dashboard.story.office() as store:
        store.outages.add("receiving", at("01:00"), at("01:20"), at("01:20"))
    page = dashboard.signed_in("leader").get("/").text
    assert 'fill="url(#hatch)"' in page
    assert "01:00–01:20 本系统没有运行" in page


def test_an_enterprise_sees_only_itself(dashboard: Dashboard) -> None:
    head = dashboard.signed_in("head")
    assert head.get("/").headers["Location"] == "/own/"
    for path in ("/own/", "/tonight/board"):
        page = head.get(path).text
        assert "甲化工" in page
        assert "乙化工" not in page
    assert figure(page, "unjudged") == 1
    assert head.get("/tonight/E001").status_code == 200
    assert head.get("/tonight/E002").status_code == 404
    assert head.get("/tonight/E999").status_code == 404
    assert head.get("/tonight/waiting").status_code == 403


def test_an_enterprise_page_shows_its_films_and_its_people(dashboard: Dashboard) -> None:
    dashboard.story.time("00:10")
    dashboard.story.says("p1", "1")
    dashboard.story.film("p1")
    dashboard.story.hears("p1")
    page = dashboard.signed_in("leader").get("/tonight/E001").text
    assert "1124-0001" in page
    assert "甲化工巡检员" in page
    assert "甲化工负责人" in page


def test_the_count_of_quarantined_films_links_to_them(dashboard: Dashboard) -> None:
    dashboard.story.cloud.add_member("stranger")
    dashboard.story.time("00:10")
    dashboard.story.film("stranger")
    dashboard.story.hears("stranger")
    page = dashboard.signed_in("staff").get("/").text
    assert "未登记人员 1" in page
    assert "1124-0001" in dashboard.signed_in("staff").get("/tonight/waiting").text


def test_names_are_escaped_on_the_board(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        plant = row(store, Enterprise, code="E001")
        plant.name = plant.short_name = LOUD
        store.session.query(KeyPart).filter_by(enterprise_id=plant.id, number="1").one().name = LOUD
        row(store, Person, name="李局").name = LOUD
    browser = dashboard.signed_in("leader")
    for path in ("/", "/tonight/E001", "/account", f"/?words={LOUD}"):
        page = browser.get(path).text
        assert LOUD not in page
        assert "&lt;script&gt;" in page


def board_version(page: str) -> str:
    return re.findall(r"""hx-vals='{"version": "([0-9a-f]{16})"}'""", page)[0]


def test_a_poll_is_empty_until_something_changes(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("leader")
    first = browser.get("/tonight/board")
    assert "<html" not in first.text
    version = board_version(first.text)
    unchanged = browser.get(f"/tonight/board?version={version}")
    assert (unchanged.status_code, unchanged.data) == (204, b"")
    dashboard.story.time("00:10")
    dashboard.story.says("p1", "1")
    dashboard.story.film("p1")
    dashboard.story.hears("p1")
    changed = until(lambda: board_of(browser, version))
    assert board_version(changed) != version


def board_of(browser: Browser, version: str) -> str:
    """The answer to a poll from a board of that version."""
    return browser.get(f"/tonight/board?version={version}").text


def test_the_version_of_a_board_depends_on_the_viewer(dashboard: Dashboard) -> None:
    """Two people can share a browser: a board of one must not count as the version of the other."""
    county, head = dashboard.signed_in("leader"), dashboard.signed_in("head")
    assert board_version(county.get("/").text) != board_version(head.get("/tonight/board").text)
    assert "E002" in county.get("/tonight/board").text
    assert "E002" not in head.get("/tonight/board").text
    assert head.get("/tonight/board").headers["Cache-Control"] == "no-store"


# The roles that may open each page.
OPENS: dict[str, set[str]] = {
    "/own/": {"patroller", "head"},
    "/account": set(ROLES),
    "/tonight/board": set(ROLES),
    "/tonight/E001": set(ROLES),
    "/tonight/waiting": {"staff", "auditor", "admin"},
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    """A browser of each role. Opening pages changes nothing, so all tests share one county."""
    with open_dashboard(tmp_path_factory.mktemp("everybody")) as made:
        yield {role: made.signed_in(role) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", OPENS)
def test_each_role_opens_only_its_pages(everybody: dict[str, Browser], role: str, path: str) -> None:
    refusal = 302 if path == "/own/" else 403
    assert everybody[role].get(path).status_code == (200 if role in OPENS[path] else refusal)


@pytest.mark.parametrize(("role", "path", "most"), [("leader", "/", 12), ("head", "/own/", 40)])
def test_the_number_of_queries_does_not_grow_with_the_county(tmp_path: Path, role: str, path: str, most: int) -> None:
    for number, enterprises in enumerate((4, 40)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with open_dashboard(folder, enterprises=enterprises) as made:
            _scatter(made, enterprises)
            browser, asked = made.signed_in(role), []
            engine = made.story.bot.uow.database.engine
            event.listen(engine, "before_cursor_execute", lambda *about, asked=asked: asked.append(about[2]))
            assert browser.get(path).status_code == 200
        assert len(asked) <= most, "\n".join(asked)


def _scatter(made: Dashboard, number: int) -> None:
    """Add unattributed films of known people: their candidates are loaded by a query of their own."""
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
