"""The grid of contact sheets: only plain films, and only what was looked at for long enough, can be passed at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage.db.models import Enterprise, FilmView, KeyPart, Submission, Verdict
from tests.harness import row
from tests.web.parts import Browser, Dashboard, open_dashboard
from tests.web.test_films import film_of

WHO = ("p1", "p2", "p3")


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    """Three films of parts that need not always be reviewed."""
    with open_dashboard(tmp_path, rules={"抽查比例": "100%"}) as opened:
        with opened.story.office() as store:
            store.session.query(Enterprise).update({"risk": "蓝", "major_hazard_sources": 0})
            store.session.query(KeyPart).update({"risk": None})
        for who in WHO:
            film_of(opened, who)
        yield opened


def grid(browser: Browser, seconds: float = 3.0, **changes: str) -> dict[str, object]:
    """The form of the grid as a browser sends it after every sheet was on the screen for so long."""
    page = browser.get("/review/sheets").text
    token = re.search(r'name="page" value="([^"]+)"', page)
    ids = re.findall(r'name="pass" value="(\d+)"', page)
    assert token is not None, page
    form: dict[str, object] = {f"seconds-{each}": str(seconds) for each in ids}
    return {**form, "page": token[1], "pass": ids, **changes}


def verdicts(dashboard: Dashboard) -> list[tuple[str, float]]:
    with dashboard.story.office() as store:
        return [(each.verdict, each.watched_s) for each in store.session.query(Verdict).order_by(Verdict.id)]


def wait(dashboard: Dashboard, seconds: float) -> None:
    dashboard.story.clock.instant += timedelta(seconds=seconds)


def test_what_was_looked_at_is_passed_and_can_be_undone(dashboard: Dashboard) -> None:
    leader = dashboard.signed_in("leader")
    form = grid(leader)
    wait(dashboard, 9)
    assert leader.act("/review/sheets", form).status_code == 302
    assert verdicts(dashboard) == [("fit", 3.0)] * 3
    page = leader.get("/review/sheets").text
    assert "没有可以速看的视频了" in page
    assert "3 段" in page
    ids = re.findall(r'name="verdict" value="(\d+)"', page)
    assert leader.act("/review/undo", {"verdict": ids}).headers["Location"] == "/review/sheets"
    with dashboard.story.office() as store:
        assert [each.is_undone for each in store.session.query(Verdict)] == [True] * 3
    assert len(re.findall('name="pass"', leader.get("/review/sheets").text)) == 3


def test_more_than_fits_into_the_time_is_refused(dashboard: Dashboard) -> None:
    leader = dashboard.signed_in("leader")
    form = grid(leader)
    wait(dashboard, 5)
    assert "看的时间对不上" in leader.act("/review/sheets", form).text
    assert verdicts(dashboard) == []
    with dashboard.story.office() as store:
        assert store.session.query(FilmView).count() == 0


@pytest.mark.slow
def test_two_pages_open_at_once_share_the_time(dashboard: Dashboard) -> None:
    leader = dashboard.signed_in("leader")
    first, second = grid(leader), grid(leader)
    wait(dashboard, 9)
    assert leader.act("/review/sheets", first).status_code == 302
    assert leader.act("/review/sheets", second).status_code == 409


def test_a_film_that_was_not_looked_at_or_not_ticked_is_not_passed(dashboard: Dashboard) -> None:
    leader = dashboard.signed_in("leader")
    form = grid(leader)
    first, second, third = form["pass"]  # type: ignore[misc]
    wait(dashboard, 9)
    answer = leader.act("/review/sheets", {**form, f"seconds-{first}": "2.9", "pass": [first, second]})
    assert len(verdicts(dashboard)) == 1
    with dashboard.story.office() as store:
        assert {each.submission_id for each in store.session.query(FilmView)} == {int(second), int(third)}
        unticked = store.submissions.get(int(third))
        assert unticked is not None
        assert answer.headers["Location"].endswith(f"skip={unticked.receipt}")
    again = leader.get(answer.headers["Location"]).text
    assert re.findall(r'name="pass" value="(\d+)"', again) == [first], "the unticked one is left for its film"


@pytest.mark.parametrize("mark", ["seen_in_earlier_night", "late", "digest_differs"])
def test_a_film_with_a_mark_is_never_passed_by_its_sheet(dashboard: Dashboard, mark: str) -> None:
    leader = dashboard.signed_in("leader")
    form = grid(leader)
    with dashboard.story.office() as store:
        row(store, Submission, number=2).marks = [mark]
    wait(dashboard, 9)
    leader.act("/review/sheets", form)
    assert len(verdicts(dashboard)) == 2
    assert "1124-0002" not in leader.get("/review/sheets").text


def test_a_film_of_a_red_part_is_not_offered(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        film = row(store, Submission, number=2)
        row(store, KeyPart, id=film.part_id).risk = "红"
    page = dashboard.signed_in("leader").get("/review/sheets").text
    assert "1124-0001" in page
    assert "1124-0002" not in page


def test_a_film_that_another_person_judges_or_has_claimed_is_left_to_them(dashboard: Dashboard) -> None:
    leader, staff = dashboard.signed_in("leader"), dashboard.signed_in("staff")
    form = grid(leader)
    claimed = staff.act("/review/next").headers["Location"]
    others = [f"/films/2026-11-24/1124-000{number}" for number in (1, 2, 3)]
    judged = next(each for each in others if not claimed.startswith(each))
    staff.act(f"{judged}/verdict", {"word": "unclear", "reason": "太暗"})
    wait(dashboard, 9)
    leader.act("/review/sheets", form)
    assert [each for each, _ in verdicts(dashboard)] == ["unclear", "fit"]
    dashboard.story.settle()
    dashboard.story.settle(10)
    assert sum(len(dashboard.story.hears(who)) for who in WHO) == 1


def test_the_page_of_another_person_passes_nothing(dashboard: Dashboard) -> None:
    form = grid(dashboard.signed_in("leader"))
    wait(dashboard, 9)
    assert dashboard.signed_in("staff").act("/review/sheets", form).status_code == 409
    assert dashboard.signed_in("staff").act("/review/sheets", {**form, "page": "x"}).status_code == 409
    assert dashboard.signed_in("auditor").act("/review/sheets", form).status_code == 403
    assert verdicts(dashboard) == []


def test_loading_a_sheet_of_the_grid_counts_as_no_view(dashboard: Dashboard) -> None:
    assert dashboard.signed_in("leader").image("/films/2026-11-24/1124-0001/sheet.jpg?grid=1").status_code == 200
    with dashboard.story.office() as store:
        assert store.session.query(FilmView).count() == 0
