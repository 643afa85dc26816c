"""The plots of hazards: each bar has its number as text, and the number leads to as many hazards in the ledger."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

from handlers.hazards.access import actor_named
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.hazards.moving import accept_hazard, submit_hazard, void_hazard
from storage.db.models import Enterprise
from tests.harness import Story, at, row
from tests.nights.test_period_reports import films
from tests.web.parts import Browser, Dashboard

PATH = "/hazards/statistics"
LATER = at("12:00")


def add(night: Story, code: str, part: int | None, days_ago: int, **fields: Any) -> str:
    """A hazard of that part, found so many days before."""
    with night.office() as store:
        enterprise = row(store, Enterprise, code=code)
        parts = store.register.parts_of(enterprise.id)
        values = {
            "part_id": None if part is None else parts[part - 1].id,
            "matter": "渗漏",
            "kind": "process",
            **fields,
        }
        draft = HazardDraft(enterprise.id, values, found_at=night.clock.instant - timedelta(days=days_ago))
        return add_hazard(draft, actor_named("王科", store), night.bot.uow.context(store)).number


def a_ledger(night: Story) -> None:
    """Five hazards: of E001 two on part 1, of which the second repeats the first, one without a part, one accepted;
    one of E002; and a void one."""
    night.clock.instant = LATER
    add(night, "E001", 1, 40)
    add(night, "E001", 1, 20)
    add(night, "E001", None, 3, kind="fire")
    add(night, "E002", 2, 100, kind="electrical")
    void, lists = add(night, "E002", 2, 1), {"responsible": "外包队", "measure": "停用", "deadline": LATER.date()}
    accepted = add(night, "E001", 2, 9, **lists)
    with night.office() as store:
        ctx = night.bot.uow.context(store)
        void_hazard(void, "重复登记", actor_named("王科", store), ctx)
        films(store, LATER.date(), ("E001", "2", "11:00"))
        film = store.submissions.of_night(LATER.date())[0]
        film.sha256 = "0" * 64
        store.session.flush()
        submit_hazard(accepted, film, actor_named("赵局", store), ctx)
        accept_hazard(accepted, actor_named("李局", store), ctx)
    night.settle()
    for who in night.cloud.members:
        night.hears(who)


def plot(page: str, name: str) -> dict[str, list[int]]:
    """Label -> the numbers of a plot, those of which all are 0 left out."""
    section = page.partition(f"plots__{name}")[2].partition("</section>")[0]
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', section, re.S)
    numbers = {label: list(map(int, re.findall(r'plot__number">(\d+)<', cells))) for label, cells in rows}
    return {label: found for label, found in numbers.items() if any(found)}


def test_the_plots_count_what_was_found_and_closed_the_open_by_age_the_places_and_repeats(dashboard: Dashboard) -> None:
    a_ledger(dashboard.story)
    page = dashboard.signed_in("staff").get(PATH).text
    found = plot(page, "weeks")
    assert sum(numbers[0] for numbers in found.values()) == 5
    assert found["11-23"] == [0, 1]
    assert plot(page, "ages") == {"0—7天": [1], "16—30天": [1], "31—60天": [1], "91天以上": [1]}
    assert plot(page, "kinds") == {"工艺": [3], "消防": [1], "电气": [1]}
    assert plot(page, "places") == {
        "甲化工 · 1 罐区": [2],
        "甲化工 · 部位待定": [1],
        "甲化工 · 2 装卸台": [1],
        "乙化工 · 2 装卸台": [1],
    }
    assert plot(page, "repeats") == {"甲化工 · 1 罐区 · 工艺": [1]}
    assert "style=" not in page
    assert "<script>" not in page


def listed(browser: Browser, query: str) -> int:
    return browser.get(f"/hazards?{html.unescape(query)}").text.count('class="hazard"')


def test_each_number_leads_to_as_many_hazards(dashboard: Dashboard) -> None:
    a_ledger(dashboard.story)
    staff, head = dashboard.signed_in("staff"), dashboard.signed_in("head")
    for browser, query in ((staff, ""), (staff, "?enterprise=甲化工"), (head, "")):
        page = browser.get(PATH + query).text
        links = re.findall(r'href="/hazards\?([^"]*)"><span class="plot__number">(\d+)<', page)
        assert len(links) >= 8
        for found, number in links:
            assert listed(browser, found) == int(number), found


def test_an_enterprise_sees_its_own_and_the_office_may_choose_one(dashboard: Dashboard) -> None:
    a_ledger(dashboard.story)
    of_head = plot(dashboard.signed_in("head").get(PATH).text, "kinds")
    staff = dashboard.signed_in("staff")
    assert of_head == plot(staff.get(f"{PATH}?enterprise=E001").text, "kinds") == {"工艺": [3], "消防": [1]}
    assert plot(dashboard.signed_in_as("h3").get(PATH).text, "kinds") == {}
    assert "没有" in dashboard.signed_in_as("h3").get(PATH).text
    assert PATH in staff.get("/hazards").text
