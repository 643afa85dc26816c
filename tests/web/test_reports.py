"""The reports of the office: every night, week, month and year, each as a page, a workbook and a PDF."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from storage.db.models import Enterprise
from tests.harness import NIGHT
from tests.web.parts import Dashboard, open_dashboard


def a_morning(dashboard: Dashboard) -> None:
    """p1 films both parts in time, p2 both late and after the report; then the amendment is issued."""
    night = dashboard.story
    night.time("00:30")
    for number in ("1", "2"):
        night.says("p1", number)
        night.film("p1")
    night.time("07:38")
    for number in ("1", "2"):
        night.says("p2", number)
        night.film("p2")
    night.time("12:02")
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def rows(page: str) -> list[list[str]]:
    """The texts of the cells of each row of a table."""
    found = re.findall(r"<tr.*?>(.*?)</tr>", page, re.S)
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S) for row in found]
    return [[" ".join(re.sub("<.*?>", " ", cell).split()) for cell in row] for row in cells]


def test_each_night_has_its_figures_as_issued_and_its_amendments_below(dashboard: Dashboard) -> None:
    a_morning(dashboard)
    heading, report, amendment = rows(dashboard.signed_in("leader").get("/reports").text)
    assert heading[:4] == ["报表", "下载", "应报", "未报"]
    assert report == ["11月24日凌晨", "Excel PDF", *"4300010", "25.0%", "11-24 07:37"]
    assert amendment == ["第1号更正", "Excel PDF", *"4200110", "25.0%", "11-24 12:02"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "label"), [("weekly", "2026年11月23日 至 11月29日"), ("monthly", "2026年11月"), ("year", "2026年")]
)
def test_the_longer_reports_have_the_figures_of_now(dashboard: Dashboard, which: str, label: str) -> None:
    a_morning(dashboard)
    staff = dashboard.signed_in("staff")
    _, report = rows(staff.get(f"/reports?of={which}").text)
    assert report == [label, "Excel PDF", *"4200110", "25.0%"]
    page = staff.get(f"/reports/{which}/2026-11-24").text
    assert ("迟报 1" in page, "截至 11-24 12:02" in page, "填报单位：" in page) == (True, True, True)


def test_files_are_downloaded_and_those_of_the_issued_report_stay(dashboard: Dashboard) -> None:
    dashboard.story.time("07:38")
    staff = dashboard.signed_in("staff")
    before = [staff.get(f"/reports/daily/2026-11-24/{suffix}") for suffix in ("xlsx", "pdf")]
    with dashboard.story.office() as store:
        for enterprise in store.session.query(Enterprise):
            enterprise.name = "改名" + enterprise.name
    for answer in before:
        assert answer.status_code == 200
        assert staff.get(answer.request.path).data == answer.data
    assert "改名" not in staff.get("/reports/daily/2026-11-24").text
    assert before[1].data.startswith(b"%PDF-")
    assert "2026-11-24.pdf" in before[1].headers["Content-Disposition"]
    month = staff.get("/reports/monthly/2026-11-24/xlsx")
    assert load_workbook(io.BytesIO(month.data)).sheetnames == ["夜巡月报", "各夜", "隐患", "隐患统计", "隐患明细"]
    for who in dashboard.story.cloud.members:
        dashboard.story.hears(who)
    dashboard.story.group_hears("KEY")


@pytest.mark.slow
def test_an_amendment_stands_beside_its_report_with_its_own_files(dashboard: Dashboard) -> None:
    a_morning(dashboard)
    staff = dashboard.signed_in("staff")
    page = staff.get("/reports/daily/2026-11-24").text
    assert ("07:37 印发" in page, "状态 未报 → 迟报" in page) == (True, True)
    sheet = load_workbook(io.BytesIO(staff.get("/reports/daily/2026-11-24/xlsx?amendment=1").data)).worksheets[0]
    assert sheet["A1"].value == "夜巡日报更正　2026年11月24日凌晨　第1号"
    assert staff.get("/reports/daily/2026-11-24/pdf?amendment=2").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/reports?of=hourly",
        "/reports/hourly/2026-11-24",
        "/reports/daily/2026-11-24/docx",
        "/reports/daily/2026-13-01",
        "/reports/weekly/2026-11-24/xlsx?amendment=1",
    ],
)
def test_what_does_not_exist_is_not_found(dashboard: Dashboard, path: str) -> None:
    assert dashboard.signed_in("staff").get(path).status_code == 404


@pytest.mark.parametrize("night", ["2026-11-20", "2026-11-27"])
def test_no_enterprise_is_missing_in_a_night_without_the_service(dashboard: Dashboard, night: str) -> None:
    dashboard.story.clock.instant = dashboard.story.clock.instant.replace(hour=23, minute=59)
    staff = dashboard.signed_in("staff")
    assert [staff.get(f"/reports/daily/{night}{file}").status_code for file in ("", "/pdf")] == [404, 404]


def test_an_enterprise_has_no_reports_of_the_county(dashboard: Dashboard) -> None:
    head = dashboard.signed_in("head")
    assert 'href="/reports"' not in head.get("/").text
    for path in ("/reports", "/reports/daily/2026-11-24", "/reports/daily/2026-11-24/pdf"):
        assert head.get(path).status_code == 403


def test_an_empty_night_says_so(tmp_path: Path) -> None:
    with open_dashboard(tmp_path, enterprises=0, start="03:00") as made:
        staff = made.signed_in("staff")
        assert "该夜无应报企业" in staff.get("/reports").text
        assert "该夜无应报企业。" in staff.get(f"/reports/daily/{NIGHT}").text


@pytest.mark.slow
def test_the_link_of_the_morning_message_opens_the_report(dashboard: Dashboard) -> None:
    dashboard.story.time("07:38")
    [message] = [text for text in dashboard.story.hears("leader") if text.startswith("📊")]
    *lines, link = message.split("\n")
    assert len(lines) == 2
    page = dashboard.signed_in("leader").get(link.removeprefix("https://patrol.example.org"))
    assert (page.status_code, "夜巡日报　2026年11月23日夜" in page.text) == (200, True)
    for who in dashboard.story.cloud.members:
        dashboard.story.hears(who)
    dashboard.story.group_hears("KEY")
