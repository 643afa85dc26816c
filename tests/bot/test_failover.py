"""Failover: a notice that its channel cannot deliver takes another, and is reported if there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.reports.night import night_json, print_night
from schedules.context import Context
from schedules.night_snapshot import load_night_snapshot
from schedules.notify import notify_person
from storage.db.models import Person
from storage.notices import NoticeDraft
from tests.bot.parts import Edge, run_edge
from tests.harness import NIGHT, HandClock, config_for, row
from tests.places import Place


@pytest.fixture
def zhao(cloud: Cloud) -> KfPhone:
    return cloud.add_customer("wm1", "赵师傅")


@pytest.fixture
def edge(tmp_path: Path, cloud: Cloud, clock: HandClock, zhao: KfPhone, place: Place) -> Iterator[Edge]:
    """A person with an account in the app and one in customer service, who has just written there."""
    cloud.kf.callback_sender.retries = 0
    cloud.add_member("zhao", "赵师傅")
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **cloud.kf.settings())) as made:
        cloud.kf.callback_sender.transport = lambda query, body: (
            made.client.post(f"/callbacks/wecom_kf?{query}", data=body, content_type="text/xml").status_code
        )
        with made.bot.uow.transaction() as store:
            store.session.add(Person(name="赵师傅", roles=["巡检员"]))
            store.session.flush()
            store.register.bind(1, "wecom", "zhao", None)
            store.register.bind(1, "wecom_kf", "wm1", None)
        made.bot.pollers.create_cursors()
        made.bot.pollers.poll_until_idle()
        yield made


def writes(edge: Edge, phone: KfPhone, words: str = "帮助") -> None:
    phone.says(words)
    edge.bot.pollers.poll_until_idle()
    edge.settle()
    phone.received.clear()


def send_notice(edge: Edge, kind: str = "reminder", key: str = "a", **how: Any) -> int:
    now = edge.clock.instant
    with edge.bot.uow.transaction() as store:
        person = store.register.person(1)
        assert person is not None
        draft = NoticeDraft(kind, "office.request_forwarded", f"told/{kind}/{key}", NIGHT, now, **how)
        notice = notify_person(person, draft, store)
        assert notice is not None
        return notice.id


def app_message_count(cloud: Cloud) -> int:
    return len(cloud.phone("zhao").received)


def test_a_notice_takes_the_channel_of_the_last_message(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    writes(edge, zhao)
    notice = edge.notice(send_notice(edge))
    edge.settle()
    assert (notice.channel, len(zhao.received), app_message_count(cloud)) == ("wecom_kf", 1, 0)
    cloud.phone("zhao").says("查询")
    edge.settle()
    before = app_message_count(cloud)
    send_notice(edge, key="b")
    edge.settle()
    assert (len(zhao.received), app_message_count(cloud)) == (1, before + 1)


def test_a_refused_notice_fails_over_and_records_the_route(
    edge: Edge, cloud: Cloud, zhao: KfPhone, clock: HandClock
) -> None:
    writes(edge, zhao)
    cloud.phone("zhao").says("查询")
    edge.settle()
    del cloud.members["zhao"]
    notice = send_notice(edge)
    edge.settle()
    told = edge.notice(notice)
    assert (told.state, told.channel, told.address, len(zhao.received)) == ("sent", "wecom_kf", "wm1", 1)
    assert [(each["channel"], each["why"]) for each in told.tried_routes or []] == [
        ("wecom_app", "errcode 81013: user & party & tag all invalid")
    ]
    # The channel that refused is not the first choice for the next notice.
    assert edge.notice(send_notice(edge, "question")).channel == "wecom_kf"


def test_an_undeliverable_question_is_sent_when_its_recipient_writes_again(
    edge: Edge, cloud: Cloud, zhao: KfPhone, clock: HandClock
) -> None:
    writes(edge, zhao)
    del cloud.members["zhao"]
    clock.instant += timedelta(hours=49)
    expires = clock.instant + timedelta(hours=5)
    waiting, late = send_notice(edge, "question", expires_at=expires), send_notice(edge, "reminder", expires_at=expires)
    edge.settle()
    assert [edge.notice(each).state for each in (waiting, late)] == ["failed", "failed"]
    assert all((edge.notice(each).detail or "").startswith("undeliverable") for each in (waiting, late))
    zhao.says("3")
    edge.bot.pollers.poll_until_idle()
    edge.settle()
    assert (edge.notice(waiting).state, edge.notice(waiting).channel) == ("sent", "wecom_kf")
    assert edge.notice(late).state == "failed"


def test_the_last_messages_of_a_reply_window_are_reserved_for_receipts(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    """One of the five messages was the answer; less important notices take the other channel first."""
    writes(edge, zhao)
    order = ["reminder", "reminder", "question", "alert", "receipt", "receipt"]
    told = []
    for number, kind in enumerate(order):
        told.append(send_notice(edge, kind, str(number)))
        edge.settle()
    assert [edge.notice(each).channel for each in told] == [
        "wecom_kf",
        "wecom_app",
        "wecom_kf",
        "wecom_kf",
        "wecom_kf",
        "wecom_app",
    ]
    assert 95001 not in [complaint.errcode for complaint in cloud.violations]


def test_a_reply_window_closed_by_the_platform_counts_as_closed(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    """Messages that staff send from the console count as well, and the bot gets no notification about them."""
    writes(edge, zhao)
    edge.settle()
    with edge.bot.uow.transaction() as store:
        store.contacts.record_message("wecom_kf/wm1", edge.clock.instant + timedelta(hours=47), None)
    cloud.kf.customers["wm1"].received.clear()
    edge.clock.instant += timedelta(hours=48)
    with edge.bot.uow.transaction() as store:
        store.contacts._update("wecom_kf/wm1", {"reply_until": edge.clock.instant + timedelta(hours=1)})
    notice = send_notice(edge, "receipt")
    edge.settle()
    told = edge.notice(notice)
    assert (told.state, told.channel) == ("sent", "wecom_app")
    assert "95001" in (told.tried_routes or [{}])[0]["why"]
    assert edge.notice(send_notice(edge, "receipt", "b")).channel == "wecom_app"
    cloud.violations.clear()


def test_opening_the_chat_does_not_refill_the_reply_quota(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    """One of the five messages is used up, and entering the chat does not change that."""
    writes(edge, zhao)
    for number in range(3):
        send_notice(edge, "receipt", str(number))
        edge.settle()
    edge.clock.instant += timedelta(minutes=5)
    zhao.enters()
    edge.bot.pollers.poll_until_idle()
    edge.settle()
    assert [edge.notice(send_notice(edge, kind)).channel for kind in ("question", "receipt")] == [
        "wecom_app",
        "wecom_kf",
    ]


def test_notices_take_another_channel_while_a_person_has_left(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    writes(edge, zhao)
    cloud.phone("zhao").says("查询")
    edge.settle()
    cloud.phone("zhao").sends_event("unsubscribe", {})
    edge.settle()
    assert edge.notice(send_notice(edge, key="gone")).channel == "wecom_kf"
    cloud.phone("zhao").sends_event("subscribe", {})
    edge.settle()
    assert edge.notice(send_notice(edge, key="back")).channel == "wecom_app"


def test_the_reports_list_undelivered_and_failed_over_notices(edge: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    writes(edge, zhao)
    cloud.phone("zhao").says("查询")
    edge.settle()
    del cloud.members["zhao"]
    send_notice(edge)
    edge.settle()
    with edge.bot.uow.transaction() as store:
        store.session.add(Person(name="钱师傅", roles=["巡检员"]))
        store.session.flush()
        unreachable = row(store, Person, name="钱师傅")
        notify_person(
            unreachable, NoticeDraft("reminder", "office.request_forwarded", "key", NIGHT, edge.clock.instant), store
        )
    with edge.bot.uow.read() as store:
        book, now = edge.bot.uow.rules(store), edge.clock.instant
        seen, shown = night_json(Context(store, book, now), NIGHT), load_night_snapshot(Context(store, book, now))
    diverted = next(each for each in seen["notices"] if each["tried"])
    assert (diverted["channel"], diverted["state"], diverted["tried"][0]["channel"]) == (
        "wecom_kf",
        "sent",
        "wecom_app",
    )
    assert (shown.undelivered, shown.failed_over) == (["钱师傅"], ["赵师傅"])
    console = Console(record=True, width=200)
    print_night(seen, console)
    text = console.export_text()
    assert "⚠ 未送达：钱师傅（企业微信自建应用）" in text
    assert "↪ 改由其他通道送达：赵师傅（微信客服）" in text
