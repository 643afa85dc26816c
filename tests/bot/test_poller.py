"""Polling: no message is lost or stored twice when notifications, processes or the platform fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.interface import PollResult
from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core.kf_phone import KfPhone
from bot.intake import poller
from storage.db.models import InboxRow, PollCursor
from tests.bot.parts import Edge, run_edge, until
from tests.harness import HandClock, config_for
from tests.places import Place


@pytest.fixture
def zhao(cloud: Cloud) -> KfPhone:
    return cloud.add_customer("wm1", "赵师傅")


@pytest.fixture
def kf(tmp_path: Path, cloud: Cloud, clock: HandClock, zhao: KfPhone, place: Place) -> Iterator[Edge]:
    """A bot with a customer-service account, which is polled when a test says so."""
    cloud.kf.callback_sender.retries = 0
    with run_edge(tmp_path, cloud, clock, config_for(cloud, tmp_path, **cloud.kf.settings())) as edge:
        cloud.kf.callback_sender.transport = lambda query, body: (
            edge.client.post(f"/callbacks/wecom_kf?{query}", data=body, content_type="text/xml").status_code
        )
        edge.bot.pollers.create_cursors()
        edge.bot.pollers.poll_until_idle()
        yield edge


def poll_cursor(kf: Edge) -> PollCursor:
    with kf.bot.uow.read() as store:
        found = store.poll_cursors.get("wecom_kf")
        assert found is not None
        return found


def stored_keys(kf: Edge) -> list[str]:
    """The keys of the stored messages, in order."""
    return [each.message_key for each in kf.inbox()]


def later(kf: Edge, **time: float) -> None:
    """Advance the clock and poll the sources that are due."""
    kf.clock.instant += timedelta(**time)
    kf.bot.pollers.poll_until_idle()


def test_notifications_are_counted_before_they_are_answered(kf: Edge, zhao: KfPhone) -> None:
    sent = [zhao.says("你好"), zhao.says("在吗")]
    assert [each.status for each in sent] == [200, 200]
    assert (poll_cursor(kf).notification_count, poll_cursor(kf).handled_count, stored_keys(kf)) == (2, 0, [])
    kf.bot.pollers.poll_until_idle()
    assert (poll_cursor(kf).handled_count, stored_keys(kf)) == (2, [each.msg_id for each in sent])


def test_a_restart_between_notification_and_poll_loses_nothing(
    kf: Edge, tmp_path: Path, cloud: Cloud, clock: HandClock, zhao: KfPhone
) -> None:
    sent = zhao.says("你好")
    with run_edge(tmp_path, cloud, clock, kf.bot.config) as again:
        again.bot.pollers.poll_until_idle()
        assert stored_keys(again) == [sent.msg_id]


def test_a_kill_before_the_cursor_is_saved_stores_each_message_once(
    kf: Edge, zhao: KfPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = zhao.says("你好")
    with monkeypatch.context() as broken:
        broken.setattr(poller, "store_messages", _dies)
        with pytest.raises(KeyboardInterrupt):
            kf.bot.pollers.poll_until_idle()
    assert (stored_keys(kf), poll_cursor(kf).handled_count) == ([], 0)
    kf.bot.pollers.poll_until_idle()
    assert stored_keys(kf) == [sent.msg_id]


def _dies(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_lost_notification_delays_a_message_by_minutes(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    cloud.kf.notifies = False
    sent = zhao.says("你好")
    later(kf, seconds=179)
    assert stored_keys(kf) == []
    later(kf, seconds=1)
    assert stored_keys(kf) == [sent.msg_id]


def test_an_empty_page_with_more_to_come_is_followed(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    sent = zhao.says("你好")
    cloud.kf.empty_pages = 3
    kf.bot.pollers.poll_until_idle()
    assert stored_keys(kf) == [sent.msg_id]


def test_an_expired_poll_token_is_dropped(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    sent = [zhao.says(f"{number}") for number in range(3)]
    cloud.kf.page_size = 1
    cloud.kf.sync_tokens.clear()
    kf.bot.pollers.poll_until_idle()
    assert stored_keys(kf) == []
    for number in range(1, 4):
        later(kf, seconds=7)
        assert stored_keys(kf) == [each.msg_id for each in sent[:number]]
    assert cloud.violations == []


def test_messages_of_an_outage_are_polled_page_by_page(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    cloud.kf.notifies = False
    sent = [zhao.says(f"{number}") for number in range(450)]
    later(kf, days=2)
    for _ in range(2):
        later(kf, seconds=7)
    assert stored_keys(kf) == [each.msg_id for each in sent]
    assert cloud.violations == []


def test_a_failing_platform_is_polled_with_backoff_and_reported_by_health(
    kf: Edge, cloud: Cloud, zhao: KfPhone
) -> None:
    cloud.faults.inject("kf/sync_msg", http_status=502, times=3)
    sent = zhao.says("你好")
    kf.bot.pollers.poll_until_idle()
    assert kf.client.get("/health/ready").json["warnings"]["wecom_kf"].endswith("HTTP 502")
    for wait in (1, 2, 4):
        assert stored_keys(kf) == []
        later(kf, seconds=wait)
    assert stored_keys(kf) == [sent.msg_id]
    assert "wecom_kf" not in kf.client.get("/health/ready").json["warnings"]


def test_a_long_platform_failure_is_recorded_as_an_outage(kf: Edge, cloud: Cloud) -> None:
    cloud.faults.inject("kf/sync_msg", http_status=502, times=500)
    for _ in range(20):
        later(kf, minutes=1)
    cloud.faults.clear()
    later(kf, minutes=1)
    with kf.bot.uow.read() as store:
        [outage] = store.outages.all()
    assert outage.kind == "platform"


def test_a_rate_limited_poll_waits_a_minute(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    cloud.faults.inject("kf/sync_msg", errcode=45009)
    sent = zhao.says("你好")
    later(kf, seconds=0)
    later(kf, seconds=59)
    assert stored_keys(kf) == []
    later(kf, seconds=1)
    assert stored_keys(kf) == [sent.msg_id]


def test_the_office_is_notified_of_a_wrong_secret_once_a_day(kf: Edge, cloud: Cloud) -> None:
    cloud.faults.inject("kf/sync_msg", errcode=95011, times=100)
    for _ in range(10):
        later(kf, minutes=3)
    assert [each.text_key for each in kf.notices()] == ["office_alert.poll_failed"]


@pytest.mark.parametrize("nonsense", [{"msg_list": "no list"}, {"msg_list": [7, {"no": "msgid"}], "next_cursor": 5}])
def test_an_invalid_answer_does_not_stop_polling(
    kf: Edge, zhao: KfPhone, monkeypatch: pytest.MonkeyPatch, nonsense: dict[str, Any]
) -> None:
    sent = zhao.says("你好")
    receiver = kf.bot.channels.sources["wecom_kf"]
    with monkeypatch.context() as patched:
        patched.setattr(receiver._client, "post", lambda *_: nonsense)  # type: ignore[attr-defined]
        kf.bot.pollers.poll_until_idle()
    with kf.bot.uow.transaction() as store:
        store.session.get_one(PollCursor, "wecom_kf").cursor = ""
    zhao.says("还在吗")
    later(kf, seconds=2)
    assert stored_keys(kf)[0] == sent.msg_id


def test_an_overtaken_poller_does_not_move_the_cursor(kf: Edge, zhao: KfPhone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process lock was lost unnoticed: the cursor decides which poller continues."""
    sent = zhao.says("你好")
    receiver = kf.bot.channels.sources["wecom_kf"]
    ask = receiver.poll

    def overtaken(cursor: str, token: str | None) -> PollResult:
        monkeypatch.undo()
        kf.bot.pollers.poll_until_idle()
        return PollResult([], "an older cursor", has_more=False)

    monkeypatch.setattr(receiver, "poll", overtaken)
    zhao.says("在吗")
    kf.bot.pollers.poll_until_idle()
    assert (stored_keys(kf)[0], poll_cursor(kf).cursor != "an older cursor", receiver.poll == ask) == (
        sent.msg_id,
        True,
        True,
    )


def test_one_of_several_workers_polls(kf: Edge, tmp_path: Path, cloud: Cloud, clock: HandClock, zhao: KfPhone) -> None:
    asked = threading.Event()
    with run_edge(tmp_path, cloud, clock, kf.bot.config) as other:
        one, two = kf.bot.pollers, other.bot.pollers
        assert one.pollers[0].lock.acquire()
        two.start()
        try:
            sent = zhao.says("你好")
            assert not two.pollers[0].lock.acquire()
            one.pollers[0].lock.release()
            until(lambda: stored_keys(kf) == [sent.msg_id])
            asked.set()
        finally:
            two.stop()
    assert asked.is_set()


def test_a_callback_of_another_account_or_kind_is_stored_without_effect(kf: Edge, cloud: Cloud) -> None:
    fields = {"ToUserName": cloud.app.corp_id, "CreateTime": 1795000000, "MsgType": "event"}
    for more in ({"Event": "kf_account_auth_change"}, {"Event": "kf_msg_or_event", "Token": "t", "OpenKfId": "other"}):
        for _ in range(2):
            assert cloud.kf.callback_sender.post(cloud.kf.callback_sender.to_xml({**fields, **more})) == [200]
    assert (len(stored_keys(kf)), poll_cursor(kf).notification_count) == (2, 0)
    kf.settle()
    assert [each.state for each in kf.rows(InboxRow)] == ["done", "done"]


def test_a_notification_at_the_app_callback_counts(kf: Edge, cloud: Cloud, zhao: KfPhone) -> None:
    cloud.kf.notifies = False
    sent = zhao.says("你好")
    fields = {"ToUserName": cloud.app.corp_id, "CreateTime": 1795000000, "MsgType": "event"}
    bell = {**fields, "Event": "kf_msg_or_event", "Token": "", "OpenKfId": cloud.kf.account.open_kfid}
    assert cloud.callback_sender.post(cloud.callback_sender.to_xml(bell)) == [200]
    later(kf, seconds=7)
    assert stored_keys(kf) == [sent.msg_id]


def test_a_notification_without_a_source_is_stored_without_effect(edge: Edge, cloud: Cloud) -> None:
    fields = {"ToUserName": cloud.app.corp_id, "CreateTime": 1795000000, "MsgType": "event", "Event": "msgaudit_notify"}
    assert cloud.callback_sender.post(cloud.callback_sender.to_xml(fields)) == [200]
    edge.settle()
    assert [each.state for each in edge.rows(InboxRow)] == ["done"]


def test_the_url_is_verified_and_a_forged_notification_is_refused(kf: Edge, cloud: Cloud) -> None:
    def ask(query: str) -> tuple[int, bytes]:
        answer = kf.client.get(f"/callbacks/wecom_kf?{query}")
        return answer.status_code, answer.data

    assert cloud.kf.callback_sender.verify_url(ask)
    query, body = cloud.callback_sender.envelope("<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event></xml>")
    assert kf.client.post(f"/callbacks/wecom_kf?{query}", data=body).status_code == 403
    query, body = cloud.kf.callback_sender.envelope("<xml><Something/></xml>")
    assert kf.client.post(f"/callbacks/wecom_kf?{query}", data=body).status_code == 400
    assert (poll_cursor(kf).notification_count, stored_keys(kf)) == (0, [])
