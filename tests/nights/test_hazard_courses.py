"""Hazards over days and weeks: an enterprise's week of self-checks, one found again, a major one with its plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness import NIGHT
from tests.nights.test_hazards import photo
from tests.web.parts import Browser, Dashboard, open_dashboard
from tests.web.test_hazards import FOUR_LISTS, NEW, deadline, hear_all

PLAN = ("aims", "methods", "funds", "people", "schedule", "safety")


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    """At ten in the morning of the night's date. What the nights meanwhile say is not read."""
    with open_dashboard(tmp_path, start="10:00") as made:
        yield made
        for who in made.story.cloud.members:
            made.story.hears(who)
        made.story.group_hears("KEY")


def put_right(dashboard: Dashboard, number: str) -> None:
    """The patroller shows with a new photo that it was put right."""
    night = dashboard.story
    night.settle(60)
    photo(night, "p1")
    night.says("p1", f"已整改 {number}")
    hear_all(night)


def test_a_week_of_self_checks_stands_in_the_weekly_report(dashboard: Dashboard) -> None:
    night, head, staff = dashboard.story, dashboard.signed_in("head"), dashboard.signed_in("staff")
    for day, matter in enumerate(("护栏锈蚀", "灭火器过期", "安全标志脱落"), 1):
        number = f"YH-2026-{day:04d}"
        photo(night, "p1")
        night.says("p1", f"隐患 罐区 {matter}")
        night.says("h1", f"{number} 责任人 甲化工巡检员 措施 更换 时限 12-01")
        hear_all(night)
        if day < 3:
            put_right(dashboard, number)
            night.says("h1", f"通过 {number}")
            hear_all(night)
        night.clock.instant += timedelta(days=1)
    own = head.get("/hazards").text
    assert all(words in own for words in ("护栏锈蚀", "整改中 1", "已验收 2", "企业自查"))
    weekly = staff.get(f"/reports/weekly/{NIGHT}").text
    assert "隐患：新发现 3 项（重大 0 项），整改率 66.7%；已验收 2 项，逾期 0 项" in weekly
    assert "没有符合条件的隐患" in dashboard.signed_in_as("h2").get("/hazards").text


def test_what_is_found_again_within_90_days_is_another_hazard_and_asks_for_the_cause(dashboard: Dashboard) -> None:
    night, staff, head = dashboard.story, dashboard.signed_in("staff"), dashboard.signed_in("head")
    register(dashboard, staff)
    put_right(dashboard, "YH-2026-0001")
    staff.act("/hazards/YH-2026-0001/accept", {})
    hear_all(night)
    night.clock.instant += timedelta(days=80)
    register(dashboard, staff)
    again = staff.get("/hazards?repeated=1").text
    assert ("YH-2027-0001" in again, "YH-2026-0001" in again) == (True, False)
    page = head.get("/hazards/YH-2027-0001").text
    assert all(words in page for words in ("90天内同一部位同类隐患再次出现：", "YH-2026-0001", "须填写原因分析。"))
    head.act("/hazards/YH-2027-0001/edit", {"cause": "垫片选型不当"})
    page = head.get("/hazards/YH-2027-0001").text
    assert ("垫片选型不当" in page, "须填写原因分析。" in page) == (True, False)
    night.clock.instant += timedelta(days=91)
    register(dashboard, staff)
    assert "再次出现" not in staff.get("/hazards/YH-2027-0002").text


def test_a_major_hazard_says_what_its_plan_lacks_until_it_is_complete(dashboard: Dashboard) -> None:
    staff, head = dashboard.signed_in("staff"), dashboard.signed_in("head")
    staff.act("/hazards/new", {**NEW, **FOUR_LISTS, "level": "major", "deadline": deadline(dashboard.story)})
    assert "还缺：重大隐患判定依据" in staff.get("/hazards/YH-2026-0001").text
    staff.act("/hazards/YH-2026-0001/edit", {"criterion": "AQ 3067-2026 5.2.1", "supervised_by": "县应急管理局"})
    page = head.get("/hazards/YH-2026-0001").text
    assert "治理方案还缺：目标和任务、方法和措施、经费和物资、机构和人员、时限和要求、安全措施和应急预案" in page
    head.act("/hazards/YH-2026-0001/edit", {f"plan_{heading}": f"{heading}已定" for heading in PLAN[:-1]})
    assert "治理方案还缺：安全措施和应急预案" in head.get("/hazards/YH-2026-0001").text
    head.act("/hazards/YH-2026-0001/edit", {f"plan_{heading}": f"{heading}已定" for heading in PLAN})
    page = head.get("/hazards/YH-2026-0001").text
    assert ("治理方案还缺" in page, "safety已定" in page, "县应急管理局" in page) == (False, True, True)
    assert "（重大 1 项）" in staff.get(f"/reports/weekly/{NIGHT}").text
    hear_all(dashboard.story)


def register(dashboard: Dashboard, staff: Browser) -> None:
    form = {**NEW, **FOUR_LISTS, "treatment": "deadline", "deadline": deadline(dashboard.story)}
    assert staff.act("/hazards/new", form).status_code == 302
    hear_all(dashboard.story)
