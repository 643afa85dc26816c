"""Who was told what: the list of all notices, with every attempt, and our own queue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import insert, select

from bot.channels.errors import ChannelError
from bot.texts import all_texts
from storage.db.models import GroupChat, Notice, Person
from storage.delivery_causes import DeliveryCause
from tests.harness import NIGHT, Story, at
from tests.web.parts import Dashboard, query_of

# Words that only an operator understands.
_RAW = re.compile(r"errcode|HTTP \d|no_account|undeliverable|Traceback|wecom_app")


def a_night(dashboard: Dashboard) -> Story:
    """p1 films at the second attempt, p2 asks for a link, nobody else does anything; half past one."""
    night = dashboard.story
    night.time("00:30")
    night.says("p1", "1")
    night.cloud.faults.inject("message/send", times=1, http_status=500)
    night.film("p1")
    night.settle(60)
    night.says("p2", "上传")
    for who in ("p1", "p2"):
        night.hears(who)
    return night


def items(page: str) -> list[str]:
    """The notices in the list, as plain text."""
    listed = page.partition('class="plain-list notices"')[2].partition("</section>")[0]
    return [re.sub(r"<[^>]+>|\s+", " ", each) for each in re.split(r"\n    <li>\n", listed)[1:]]


def test_a_leader_sees_text_attempts_channel_and_delay(dashboard: Dashboard) -> None:
    a_night(dashboard)
    page = dashboard.signed_in("leader").get("/notices?kind=receipt").text
    [receipt] = [each for each in items(page) if "甲化工巡检员" in each and "收到 1124-0001" in each]
    assert re.search(r"00:30 +回执 → +甲化工巡检员 .*已发", receipt)
    assert "企业微信自建应用" in receipt
    assert re.search(r"用时 (\d+秒|1分钟)", receipt)
    failed, delivered = receipt.index("未成功，稍后再发"), receipt.rindex("已发")
    assert receipt.index("平台没有响应") > failed
    assert failed < delivered
    assert _RAW.search(re.sub(r'="[^"]*"', "", page)) is None


def test_an_upload_link_is_not_shown(dashboard: Dashboard) -> None:
    a_night(dashboard)
    page = dashboard.signed_in("staff").get("/notices").text
    [link] = [each for each in items(page) if "/upload/" in each]
    assert re.search(r"/upload/…", link)
    assert re.search(r"/upload/[\w-]{5}", page) is None


@pytest.mark.parametrize(
    ("query", "recipients"),
    [
        ("recipient=甲化工", {"甲化工巡检员"}),
        ("recipient=无此人", set()),
        ("enterprise=E002", {"乙化工巡检员"}),
        ("enterprise=乙化工", {"乙化工巡检员"}),
        ("enterprise=yhg", {"乙化工巡检员"}),
        ("enterprise=e001&kind=receipt", {"甲化工巡检员"}),
        ("kind=alert", set()),
        ("outcome=failed", set()),
        ("outcome=sent", {"甲化工巡检员", "乙化工巡检员"}),
        ("from=2026-11-20&to=2026-11-23", set()),
        ("from=2026-11-24&to=2026-11-24", {"甲化工巡检员", "乙化工巡检员"}),
    ],
)
def test_the_list_is_filtered(dashboard: Dashboard, query: str, recipients: set[str]) -> None:
    a_night(dashboard)
    page = dashboard.signed_in("leader").get(f"/notices?{query}").text
    assert {name for each in items(page) for name in re.findall(r"→ +(\S+)", each)} == recipients


def test_an_unknown_enterprise_is_named_and_lists_nothing(dashboard: Dashboard) -> None:
    a_night(dashboard)
    page = dashboard.signed_in("leader").get("/notices?enterprise=没有的厂").text
    assert ("没有的厂" in page.partition('role="alert"')[2][:200], items(page)[1:]) == (True, [])


def test_the_groups_of_an_enterprise_belong_to_it(dashboard: Dashboard) -> None:
    night = a_night(dashboard)
    night.time("01:40")
    night.group_hears("KEY")
    page = dashboard.signed_in("leader").get("/notices?enterprise=E003&kind=reminder").text
    [wave] = items(page)
    assert ("夜巡工作群" in wave, "丙化工" in wave) == (True, True)


def test_what_waits_in_our_own_queue_is_shown_by_route(dashboard: Dashboard) -> None:
    night = a_night(dashboard)
    leader = dashboard.signed_in("leader")
    assert "排队待发：没有" in leader.get("/notices").text
    with night.office() as store:
        person = store.session.scalars(select(Person).where(Person.name == "丙化工巡检员")).one()
        store.session.execute(insert(Notice), [_notice(number, person, at("00:20"), "due") for number in range(3)])
    page = leader.get("/notices").text
    assert "排队待发 3 条" in page
    assert re.search(r"丙化工巡检员.*企业微信自建应用.*3 条，11-24 00:20 起，已等 1\d分钟", page, re.DOTALL)
    with night.office() as store:
        store.session.query(Notice).filter(Notice.state == "due").delete()


def _notice(number: int, person: Person, due_at: object, state: str) -> dict[str, object]:
    return {
        "once_key": f"test/{number}",
        "kind": "system",
        "night": NIGHT - timedelta(days=number % 3),
        "recipient_name": person.name,
        "person_id": person.id,
        "channel": "wecom_app",
        "address": "p3",
        "route": "wecom_app/wecom/p3",
        "form": "text",
        "text_key": "help.welcome",
        "params": {},
        "due_at": due_at,
        "state": state,
        "attempts": 0,
    }


def test_older_notices_follow_page_by_page(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        person = store.session.scalars(select(Person).where(Person.name == "丙化工巡检员")).one()
        rows = [
            {**_notice(number, person, at("00:20"), "expired"), "recipient_name": f"第{number}条"}
            for number in range(120)
        ]
        store.session.execute(insert(Notice), rows)
    pages = list(_pages(dashboard, "/notices?outcome=expired"))
    names = [name for page in pages for name in re.findall(r"<b>(第\d+条)</b>", page)]
    assert [len(re.findall(r"<b>第", page)) for page in pages] == [50, 50, 20]
    assert (len(set(names)), "已过期 120" in pages[0]) == (120, True)


def test_older_notices_and_other_outcomes_are_of_the_same_nights(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        person = store.session.scalars(select(Person).where(Person.name == "丙化工巡检员")).one()
        rows = [_notice(number, person, at("00:20"), "expired") for number in range(60)]
        store.session.execute(insert(Notice), rows)
    page = dashboard.signed_in("leader").get("/notices?from=2026-11-20&to=2026-11-24").text
    links = [unescape(each) for each in re.findall(r'href="\?([^"]*(?:before|outcome)=[^"]*)"', page)]
    assert links
    assert {(query_of(f"?{each}")["from"], query_of(f"?{each}")["to"]) for each in links} == {
        ("2026-11-20", "2026-11-24")
    }


def _pages(dashboard: Dashboard, path: str | None) -> Iterator[str]:
    leader = dashboard.signed_in("leader")
    while path:
        page = leader.get(path).text
        yield page
        older = re.search(r'<a href="(\?[^"]*before=[^"]*)"', page)
        path = "/notices" + older[1].replace("&amp;", "&") if older else None


def test_a_notice_that_cannot_be_sent_says_why(dashboard: Dashboard) -> None:
    with dashboard.story.office() as store:
        group = store.session.scalars(select(GroupChat)).one()
        group.robot_key = None
    dashboard.story.time("01:40")
    page = dashboard.signed_in("leader").get("/notices?outcome=failed").text
    [wave] = items(page)
    assert ("对方还没有绑定账号" in wave, "没有发送过" in wave) == (True, True)


def test_every_cause_has_a_sentence() -> None:
    def below(error: type[ChannelError]) -> Iterator[type[ChannelError]]:
        yield error
        for each in error.__subclasses__():
            yield from below(each)

    causes = {*DeliveryCause, *(error.cause for error in below(ChannelError))}
    assert [cause for cause in causes if f"delivery_cause.{cause}" not in all_texts()] == []
