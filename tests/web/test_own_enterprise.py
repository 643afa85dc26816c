"""The page on which the people of an enterprise land."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import openpyxl

from storage.db.models import Employment, Enterprise, Person
from tests.harness import row
from tests.web.parts import Dashboard
from tests.web.test_films import film_of
from tests.web.test_review import after_undo_period, judge


def words(page: str) -> str:
    """The text of a page."""
    return re.sub(r"<[^>]+>|\s+", " ", page)


def section(page: str, heading: str) -> str:
    """The words of the section with that heading."""
    return words(next(each for each in page.split("<section")[1:] if heading in each.partition("</h2>")[0]))


def test_a_head_lands_on_the_own_page(dashboard: Dashboard) -> None:
    head = dashboard.signed_in("head")
    assert head.get("/").headers["Location"] == "/own/"
    page = head.get("/own/").text
    assert "甲化工" in page
    assert 'href="/own/" aria-current="page"' in page
    assert not re.search("乙化工|丙化工|丁化工|E00[234]", page)
    assert "没有待整改的隐患" in section(page, "待整改")
    assert "李局" in section(page, "今晚各部位")


def test_county_roles_stay_on_the_board(dashboard: Dashboard) -> None:
    assert dashboard.signed_in("leader").get("/own/").headers["Location"] == "/"


def test_hazards_come_first_and_lead_to_their_pages(dashboard: Dashboard) -> None:
    film_of(dashboard)
    judge(dashboard.signed_in("leader"), "problem", "阀门滴漏", at_s="4.0")
    head = dashboard.signed_in("head")
    early = head.get("/own/").text
    assert ("没有待整改的隐患" in early, "阀门滴漏" in early) == (True, False)  # it can still be undone
    after_undo_period(dashboard)
    for who in ("h1", "p1"):
        dashboard.story.hears(who)
    page = head.get("/own/").text
    assert re.search(r"1 罐区 +阀门滴漏 +YH-2026-0001 +待补全 .*李局 +去补全", section(page, "待整改（1）"))
    assert 'href="/hazards/YH-2026-0001"' in page
    assert page.index("待整改") < page.index("今晚各部位") < page.index("近30夜")
    assert "有问题" in section(page, "今晚各部位")
    assert "阀门滴漏" not in dashboard.signed_in_as("h2").get("/own/").text
    head.act("/hazards/YH-2026-0001/edit", {"responsible": "甲化工负责人", "measure": "更换垫片"})
    dashboard.story.settle()
    dashboard.story.hears("h1")
    assert re.search("整改中 .*去办理", section(head.get("/own/").text, "待整改（1）"))


def test_the_last_nights_can_be_read_aloud(dashboard: Dashboard) -> None:
    film_of(dashboard)
    dashboard.story.time("12:30")
    _read_all(dashboard)
    page = dashboard.signed_in("head").get("/own/").text
    assert re.search(r'heatmap--partial.*?class="sr-only">11-24夜：部分未报<', page)
    assert "部分未报 1" in section(page, "近30夜")


def test_the_month_is_shown_and_downloaded(dashboard: Dashboard) -> None:
    film_of(dashboard)
    dashboard.story.time("12:30")
    _read_all(dashboard)
    head = dashboard.signed_in("head")
    sheet = section(head.get("/own/").text, "2026年11月夜巡情况")
    assert re.search(r"11-24 +部分未报 +1/2 +00:15 +00:15", sheet)
    answer = head.get("/own/month.xlsx?month=2026-11")
    assert "2026" in answer.headers["Content-Disposition"]
    rows = list(openpyxl.load_workbook(BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True))
    assert rows[0][0] == "甲化工有限公司 2026年11月夜巡情况"
    [night] = [each for each in rows if each[1] == "部分未报"]
    assert night[2:6] == ("1/2", "00:15", "00:15", 0)
    assert head.get("/own/?month=2026-10").status_code == 200
    assert head.get("/own/?month=nonsense").status_code == 404


def test_a_head_of_two_enterprises_chooses(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        person, second = row(store, Person, name="甲化工负责人"), row(store, Enterprise, code="E003")
        store.session.add(Employment(person_id=person.id, enterprise_id=second.id))
    head = dashboard.signed_in("head")
    first = head.get("/own/").text
    assert '<a href="?enterprise=E001" aria-current="page">甲化工</a>' in first
    assert re.search(r"<h1>丙化工", head.get("/own/?enterprise=E003").text)
    assert head.get("/own/?enterprise=E002").status_code == 404
    assert head.get("/own/month.xlsx?enterprise=E002").status_code == 404
    workbook = openpyxl.load_workbook(BytesIO(head.get("/own/month.xlsx?enterprise=E003").data))
    assert str(workbook.worksheets[0]["A1"].value).startswith("丙化工有限公司")


def test_a_person_without_an_enterprise_is_told_so(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        person = row(store, Person, name="甲化工负责人")
        store.session.query(Employment).filter_by(person_id=person.id).delete()
    assert "没有把您登记在任何企业名下" in dashboard.signed_in("head").get("/own/").text


def _read_all(dashboard: Dashboard) -> None:
    dashboard.story.clock.instant += timedelta(seconds=1)
    for who in dashboard.story.cloud.members:
        dashboard.story.hears(who)
    dashboard.story.group_hears("KEY")
