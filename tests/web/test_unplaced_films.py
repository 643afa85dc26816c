"""Films from strangers or without a part: the office files each with one tap, or several in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from storage.db.models import Enterprise, KeyPart, Submission
from tests.harness import County, row
from tests.web.parts import Dashboard

# The button that files a film: its value and its label.
_BUTTON = re.compile(r'name="file" value="([^"]+)">([^<]+)')


@pytest.fixture
def office(dashboard: Dashboard) -> Iterator[Dashboard]:
    """p1 sends two films without saying of which parts, a stranger three; what they hear is read at the end."""
    night = dashboard.story
    night.cloud.add_member("stranger")
    night.time("00:30")
    for who in ("p1", "p1", "stranger", "stranger", "stranger"):
        night.film(who)
    yield dashboard
    night.settle(10)
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def films(dashboard: Dashboard, sender: str) -> list[Submission]:
    """The films of a sender, the oldest first."""
    with dashboard.story.office() as store:
        return list(store.session.query(Submission).filter_by(sender=sender).order_by(Submission.number))


def part_id(dashboard: Dashboard, code: str, number: str) -> int:
    with dashboard.story.office() as store:
        enterprise = row(store, Enterprise, code=code)
        found: int = row(store, KeyPart, enterprise_id=enterprise.id, number=number).id
        return found


def buttons(page: str, target: object) -> dict[str, str]:
    """The labels of the buttons that file this film, with their values."""
    return {label.strip(): value for value, label in _BUTTON.findall(page) if value.startswith(f"{target}:")}


def test_a_film_is_shown_with_its_picture_its_sender_and_the_parts_of_the_enterprise(office: Dashboard) -> None:
    page = office.signed_in("staff").get("/office").text
    film = films(office, "p1")[0]
    assert f'src="/films/2026-11-24/{film.receipt}/thumb.jpg"' in page
    assert re.search(r"<h3>\s*甲化工巡检员 <span class=\"quiet\">甲化工</span>", page)
    assert list(buttons(page, film.id)) == ["1 罐区", "2 装卸台"]
    assert "未登记人员（企业微信）" in page
    assert "没有部位的视频（2）" in page


def test_one_tap_files_a_film_and_its_sender_hears_of_it(office: Dashboard) -> None:
    office.story.settle(10)
    office.story.hears("p1")
    staff, film = office.signed_in("staff"), films(office, "p1")[0]
    answer = staff.act("/office/films", {"file": buttons(staff.get("/office").text, film.id)["1 罐区"]})
    assert answer.status_code == 200
    assert "1124-0001 已归档到甲化工 · 1 罐区" in answer.text
    assert "没有部位的视频（1）" in answer.text
    office.story.settle(10)
    assert office.story.hears("p1")[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")
    assert "将视频 1124-0001 归档到企业 E001 的部位 1" in staff.get("/trail").text
    other = films(office, "p1")[1]
    assert re.search(rf'value="{other.id}:\d+">1 罐区<small> 已有视频', staff.get("/office").text)


def test_another_enterprise_shows_its_parts(office: Dashboard) -> None:
    staff, film = office.signed_in("staff"), films(office, "stranger")[0]
    assert buttons(staff.get("/office").text, film.id) == {}, "nothing tells the enterprise of a stranger"
    for text in ("E002", "乙化工", "yhg"):
        shown = staff.get(f"/office/films/choices?target={film.id}&page=office&enterprise={text}").text
        assert "乙化工" in shown
        assert list(buttons(shown, film.id)) == ["1 罐区", "2 装卸台"]
    several = staff.get(f"/office/films/choices?target={film.id}&page=office&enterprise=化工").text
    assert "对得上几家企业" in several
    assert "乙化工（E002）" in several
    unknown = staff.get(f"/office/films/choices?target={film.id}&page=office&enterprise=xyz").text
    assert "登记册里没有找到“xyz”" in unknown


def test_the_next_films_of_a_stranger_are_offered_the_enterprise_of_the_first(office: Dashboard) -> None:
    staff = office.signed_in("staff")
    first, second, _ = films(office, "stranger")
    page = staff.act("/office/films", {"file": f"{first.id}:{part_id(office, 'E002', '1')}"}).text
    assert buttons(page, second.id)["2 装卸台"] == f"{second.id}:{part_id(office, 'E002', '2')}"


def test_several_films_are_filed_in_one_go_and_what_cannot_be_is_named(office: Dashboard) -> None:
    staff, part = office.signed_in("staff"), part_id(office, "E002", "1")
    first, second, third = films(office, "stranger")
    staff.act("/office/films", {"file": f"{second.id}:{part_id(office, 'E003', '2')}"})
    answer = staff.act(
        "/office/films", {"file": f"selected-{first.id}:{part}", "film": [first.id, second.id, third.id]}
    )
    assert answer.status_code == 200
    assert f"{first.receipt}、{third.receipt} 已归档到乙化工 · 1 罐区" in answer.text
    assert "另有 1 段没有处理：" in answer.text
    assert f"{second.receipt} 已归档到丙化工 · 2 装卸台，未作改动" in answer.text
    assert staff.get("/trail").text.count("归档到企业") == 3
    assert films(office, "stranger")[1].part_id == part_id(office, "E003", "2")


def test_several_films_are_dismissed_in_one_go(office: Dashboard) -> None:
    staff, sent = office.signed_in("staff"), films(office, "stranger")
    answer = staff.act("/office/films", {"dismiss": f"selected-{sent[0].id}", "film": [each.id for each in sent]})
    receipts = "、".join(each.receipt for each in sent)
    assert f"{receipts} 已标为与夜巡无关，视频仍保存" in answer.text
    assert "未登记人员发来的视频（0）" in answer.text
    assert staff.get("/trail").text.count("与夜巡无关") == 3
    again = staff.act("/office/films", {"dismiss": str(sent[0].id)})
    assert (again.status_code, "此前已标为与夜巡无关" in again.text) == (422, True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file": "selected-1:1"}, "请先勾选视频"),
        ({"file": "1:999999"}, "这个部位已停用或不存在"),
        ({"file": "x:y"}, "请先勾选视频"),
        ({}, "请先勾选视频"),
    ],
)
def test_a_press_without_effect_says_why(office: Dashboard, fields: dict[str, str], reason: str) -> None:
    answer = office.signed_in("staff").act("/office/films", fields)
    assert (answer.status_code, reason in answer.text) == (422, True)


def test_a_film_is_filed_on_its_own_page_and_moved_there_if_it_was_the_wrong_part(office: Dashboard) -> None:
    staff, film = office.signed_in("staff"), films(office, "p1")[0]
    path = f"/films/2026-11-24/{film.receipt}"
    page = staff.get(path).text
    assert "归档到部位" in page
    answer = staff.act("/office/films", {"file": buttons(page, film.id)["1 罐区"], "page": "film"})
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    page = staff.get(path).text
    assert "甲化工 · 1 罐区" in page
    assert "更正归档" in page
    moved = {"file": buttons(page, film.id)["2 装卸台"], "page": "film"}
    stale = staff.act("/office/films", moved)
    assert (stale.status_code, "未作改动" in stale.text) == (409, True)
    assert staff.act("/office/films", {**moved, "moved_from": part_id(office, "E001", "1")}).status_code == 302
    assert "甲化工 · 2 装卸台" in staff.get(path).text


def test_tonights_list_files_too(office: Dashboard) -> None:
    staff, film = office.signed_in("staff"), films(office, "p1")[0]
    page = staff.get("/tonight/waiting").text
    answer = staff.act("/office/films", {"file": buttons(page, film.id)["1 罐区"], "page": "waiting"})
    assert "已归档到甲化工" in answer.text
    assert "待认部位 1" in answer.text


def test_a_stranger_who_has_been_bound_since_is_shown_by_name(office: Dashboard) -> None:
    with office.story.office() as store:
        person = County(store, office.story.cloud).person("新来的", ["巡检员"], None, "E003")
        store.register.bind(person.id, "wecom", "stranger", office.story.clock.instant)
    page = office.signed_in("staff").get("/office").text
    assert "新来的" in page
    assert list(buttons(page, films(office, "stranger")[0].id)) == ["1 罐区", "2 装卸台"]


def test_an_auditor_sees_the_films_and_no_buttons(office: Dashboard) -> None:
    auditor = office.signed_in("auditor")
    page = auditor.get("/office").text
    assert "甲化工巡检员" in page
    assert 'name="file"' not in page
    assert 'name="dismiss"' not in page
    assert auditor.act("/office/films", {"dismiss": "1"}).status_code == 403
