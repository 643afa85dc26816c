"""Delivery: rate limits, lost answers, refusals, crashes, and the fallback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.app import build_ssrf_guard
from bot.channels.errors import OutcomeUnknown
from bot.channels.interface import SendResult
from bot.clock import wall_now
from bot.delivery.attachments import Attachments
from bot.delivery.deliver import Delivery, DeliveryTimings
from bot.delivery.send_checks import SEND_CHECKS
from bot.devtools.simulator import Cloud
from bot.media.film_images import FilmImages
from bot.signed_links import SignedLinks
from storage.db.models import Binding, DeliveryAttempt, Person
from storage.disk_reserve import DiskReserve
from storage.errors import DatabaseUnavailable
from storage.notices import NoticeForm
from storage.outbound import OutboundMessage
from storage.priority import Priority
from tests.bot.parts import Edge, run_edge
from tests.harness import HandClock, config_for

TEXTS = (
    "stranger.text",
    "help.welcome",
    "unsupported.voice",
    "unsupported.unknown_kind",
    "enrolment.instructions",
    "alert.not_found",
)


def shown(cloud: Cloud, to: str) -> int:
    return sum(each.state == "shown" for each in cloud.deliveries if each.to == to)


def settle_all(edge: Edge, minutes: int = 5) -> None:
    for _ in range(minutes * 4):
        edge.settle(15)


def states(edge: Edge) -> list[str]:
    return [each.state for each in edge.notices()]


class Wrapped:
    """An object of which a test replaces something."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


def deliver_with(edge: Edge, timings: DeliveryTimings, uow: Any = None) -> None:
    """From now on notices are delivered with these timings."""
    uow, objects = uow or edge.bot.uow, edge.bot.objects
    links = SignedLinks(edge.bot.config.public_url, "a key")
    attachments = Attachments(
        uow, objects, FilmImages(objects, DiskReserve(objects, 0)), links, build_ssrf_guard(edge.bot.config)
    )
    delivery = Delivery(uow, edge.bot.channels, SEND_CHECKS, attachments, timings)
    edge.engine.start(lambda kind, row_id: delivery.deliver(row_id))


def at_wall_time(later: timedelta) -> DeliveryTimings:
    return DeliveryTimings(wall_now=lambda: wall_now() + later)


def after_a_crash(edge: Edge) -> None:
    """What the next process on this machine does first: every attempt under way was interrupted."""
    with edge.bot.uow.transaction() as store:
        store.notices.expire_leases(wall_now())
    edge.clock.instant += timedelta(minutes=1)
    edge.bot.worker.requeue_lost_work()
    edge.settle()


# --- rates


def test_a_robot_sends_18_messages_a_minute_and_the_rest_later(edge: Edge) -> None:
    ids = [edge.say("KEY", channel="wecom_robot") for _ in range(40)]
    edge.settle()
    assert len(edge.cloud.group("KEY").received) == 18
    edge.settle(59)
    assert len(edge.cloud.group("KEY").received) == 18
    edge.settle(1)
    assert len(edge.cloud.group("KEY").received) == 36
    settle_all(edge)
    assert states(edge) == ["sent"] * 40
    assert edge.cloud.violations == []
    attempts = sorted(edge.rows(DeliveryAttempt), key=lambda each: each.id)
    assert [each.notice_id for each in attempts] == ids


def test_a_member_gets_at_most_28_messages_a_minute_and_none_is_dropped(edge: Edge) -> None:
    for _ in range(40):
        edge.say("zhangsan")
    settle_all(edge)
    assert {each.state for each in edge.cloud.deliveries} <= {"shown", "duplicate"}
    assert states(edge) == ["sent"] * 40


def test_a_throttled_robot_is_not_called_for_a_minute(edge: Edge) -> None:
    edge.cloud.faults.inject("webhook/send", errcode=45009)
    for _ in range(5):
        edge.say("KEY", channel="wecom_robot")
    edge.settle()
    assert (edge.cloud.group("KEY").received, len(edge.rows(DeliveryAttempt))) == ([], 1)
    edge.settle(59)
    assert edge.cloud.group("KEY").received == []
    edge.settle(2)
    assert len(edge.cloud.group("KEY").received) == 5
    assert states(edge) == ["sent"] * 5


def test_a_throttled_robot_does_not_delay_another(edge: Edge) -> None:
    edge.cloud.add_robot("OTHER", "另一个群")
    edge.cloud.faults.inject("webhook/send", errcode=45009)
    edge.say("KEY", channel="wecom_robot")
    edge.say("OTHER", channel="wecom_robot")
    edge.settle()
    assert len(edge.cloud.group("OTHER").received) == 1


def test_an_emergency_is_tried_although_the_platform_throttled_another_message(edge: Edge) -> None:
    edge.cloud.faults.inject("webhook/send", errcode=45009)
    edge.say("KEY", channel="wecom_robot")
    edge.settle()
    edge.say("KEY", channel="wecom_robot", text_key="unsupported.voice", priority=Priority.EMERGENCY)
    edge.settle()
    received = edge.cloud.group("KEY").received
    assert len(received) == 1
    assert "语音" in received[0].text


def test_notices_of_a_route_are_sent_in_order(edge: Edge) -> None:
    for text_key in TEXTS:
        edge.say("zhangsan", text_key=text_key)
    edge.settle()
    assert [each.text_key for each in edge.notices() if each.state == "sent"] == list(TEXTS)
    assert len(set(edge.cloud.phone("zhangsan").texts)) == 6
    first = edge.cloud.phone("zhangsan").texts[0]
    assert "绑定码" in first


@pytest.mark.slow
def test_equal_texts_are_delivered_as_often_as_they_are_sent(edge: Edge) -> None:
    """The platform must drop repeats only: two requests for help get two answers."""
    for _ in range(3):
        for _ in range(24):
            edge.say("zhangsan")
            edge.say("lisi", text_key="unsupported.voice")
        edge.settle(60)
    assert {each.state for each in edge.cloud.deliveries} == {"shown"}
    assert len(edge.cloud.phone("zhangsan").received) == 72
    assert edge.cloud.violations == []


def test_an_emergency_is_delivered_although_the_minute_is_used_up(edge: Edge) -> None:
    """The platform accepts 30 messages a minute to a member, and drops further ones."""
    for _ in range(40):
        edge.say("zhangsan")
    edge.settle()
    edge.say("zhangsan", text_key="unsupported.voice", priority=Priority.EMERGENCY)
    edge.settle()
    texts = [each.text for each in edge.cloud.phone("zhangsan").received]
    assert len(texts) < 28
    assert "语音" in texts[-1]
    edge.settle(60)
    edge.settle(60)
    assert len(edge.cloud.phone("zhangsan").received) == 41


def test_a_resend_does_not_make_the_platform_drop_an_equal_answer(edge: Edge) -> None:
    """A late resend keeps its dedupe interval, which must differ from that of the next message."""
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.say("zhangsan", text_key="unsupported.voice")
    edge.settle()
    edge.say("zhangsan")
    edge.settle()
    edge.settle(15)
    assert states(edge) == ["sent", "sent"]
    edge.say("zhangsan")
    edge.settle()
    assert len(edge.cloud.phone("zhangsan").received) == 3


# --- lost answers


def test_a_robot_notice_with_a_lost_answer_is_unknown_and_not_resent(edge: Edge) -> None:
    edge.cloud.faults.inject("webhook/send", lose_response=True)
    edge.say("KEY", channel="wecom_robot")
    settle_all(edge)
    assert (states(edge), len(edge.cloud.group("KEY").received)) == (["unknown"], 1)


def test_a_robot_notice_that_was_never_sent_is_retried(edge: Edge, cloud: Cloud) -> None:
    robot = edge.bot.channels.senders["wecom_robot"]
    url, robot._url = robot._url, "http://127.0.0.1:9/cgi-bin/webhook"  # type: ignore[attr-defined]
    edge.say("KEY", channel="wecom_robot")
    edge.settle()
    robot._url = url  # type: ignore[attr-defined]
    settle_all(edge)
    assert (states(edge), len(cloud.group("KEY").received)) == (["sent"], 1)


def test_an_app_notice_with_a_lost_answer_is_resent_exactly_and_delivered_once(edge: Edge) -> None:
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.say("zhangsan")
    settle_all(edge)
    sent = [each for each in edge.cloud.deliveries if each.endpoint == "message/send"]
    assert [each.state for each in sent] == ["shown", "duplicate"]
    assert sent[0].raw == sent[1].raw
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_gateway_timeout_does_not_deliver_a_message_twice(edge: Edge) -> None:
    edge.cloud.faults.inject("message/send", http_status=504)
    edge.say("zhangsan")
    settle_all(edge)
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_notice_is_unknown_after_the_dedupe_window(edge: Edge) -> None:
    """A resend after that would be delivered a second time."""
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.say("zhangsan")
    edge.settle()
    deliver_with(edge, at_wall_time(timedelta(minutes=2, seconds=30)))
    settle_all(edge)
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["unknown"], 1)
    assert [each.state for each in edge.cloud.deliveries] == ["shown"]


def test_a_channel_gets_the_same_message_at_every_resend(edge: Edge) -> None:
    """Customer service derives the id of a message from its content."""
    sent: list[OutboundMessage] = []

    class Forgetful(Wrapped):
        def send(self, address: str, message: OutboundMessage, load_file: Any) -> SendResult:
            sent.append(message)
            if len(sent) < 3:
                raise OutcomeUnknown("no answer")
            return SendResult()

    edge.bot.channels.senders["wecom_app"] = Forgetful(edge.bot.channels.senders["wecom_app"])
    edge.say("zhangsan")
    settle_all(edge)
    assert (len(sent), sent[0] == sent[1] == sent[2], states(edge)) == (3, True, ["sent"])
    assert len({message.identity for message in sent}) == 1


def test_a_receipt_is_resent_for_half_an_hour(edge: Edge) -> None:
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.say("zhangsan", kind="receipt")
    edge.settle()
    deliver_with(edge, at_wall_time(timedelta(minutes=29)))
    settle_all(edge)
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_refusal_after_a_lost_answer_does_not_change_the_message(edge: Edge) -> None:
    """The notice is resent exactly, although the last attempt was refused."""
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.cloud.faults.inject("message/send", errcode=-1)
    notice_id = edge.say("zhangsan", text_key="clock.cannot_go_back", params={"reached": "甲", "start": "乙"})
    edge.settle()
    edge.settle(15)
    with edge.bot.uow.transaction() as store:
        notice = store.notices.get(notice_id)
        assert notice is not None
        notice.params = {"reached": "丙", "start": "丁"}
    settle_all(edge)
    assert (states(edge), [each.state for each in edge.cloud.deliveries]) == (["sent"], ["shown", "duplicate"])


def test_a_notice_that_may_have_arrived_ends_as_unknown(edge: Edge) -> None:
    """Neither expiry nor a later refusal proves that the first attempt did not arrive."""
    for after in ({"errcode": 40008}, {"drop": True}):
        edge.cloud.faults.inject("message/send", lose_response=True)
        edge.cloud.faults.inject("message/send", **after, times=50)
        edge.say("zhangsan", expires_at=edge.clock.instant + timedelta(minutes=3))
        settle_all(edge)
        edge.cloud.faults.clear()
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["unknown", "unknown"], 2)


def test_a_file_with_a_lost_answer_is_not_resent(edge: Edge) -> None:
    """Each upload is another file to the platform, so it would deliver both."""
    edge.cloud.faults.inject("message/send", lose_response=True)
    edge.issue_report()
    edge.say("zhangsan", form=NoticeForm.REPORT_FILE)
    settle_all(edge)
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["unknown"], 1)


def test_an_upload_with_a_lost_answer_is_repeated(edge: Edge) -> None:
    edge.cloud.faults.inject("media/upload", lose_response=True)
    edge.issue_report()
    edge.say("zhangsan", form=NoticeForm.REPORT_FILE)
    settle_all(edge)
    assert (states(edge), len(edge.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_an_outcome_is_recorded_when_the_database_is_back(edge: Edge) -> None:
    """Otherwise a group message that was sent would be recorded as unknown."""
    away = iter([False, True, True])

    class Flaky(Wrapped):
        @contextmanager
        def transaction(self) -> Iterator[Any]:
            if next(away, False):
                raise DatabaseUnavailable("stopped")
            with edge.bot.uow.transaction() as store:
                yield store

    edge.say("KEY", channel="wecom_robot")
    deliver_with(edge, DeliveryTimings(outcome_retry_s=0.01), Flaky(edge.bot.uow))
    edge.settle()
    assert next(away, None) is None
    assert (states(edge), len(edge.cloud.group("KEY").received)) == (["sent"], 1)


# --- refusals


def test_an_unreachable_recipient_fails_at_the_first_attempt(edge: Edge) -> None:
    edge.say("nobody")
    settle_all(edge)
    assert [(each.state, each.attempts) for each in edge.notices()] == [("failed", 1)]


def test_an_address_of_several_accounts_is_sent_nothing(edge: Edge) -> None:
    edge.cloud.add_member("leaving")
    edge.say("leaving|nobody")
    edge.settle()
    assert states(edge) == ["failed"]
    assert edge.cloud.phone("leaving").received == []


def test_the_office_is_notified_once_a_day_of_a_removed_robot(edge: Edge) -> None:
    with edge.bot.uow.transaction() as store:
        person = Person(name="王科", roles=["工作人员"])
        store.session.add(person)
        store.session.flush()
        store.session.add(Binding(person_id=person.id, realm="wecom", account="lisi", canonical_account="lisi"))
    edge.cloud.remove_robot("KEY")
    for _ in range(3):
        edge.say("KEY", channel="wecom_robot")
    settle_all(edge, 1)
    assert [each.state for each in edge.notices() if each.channel == "wecom_robot"] == ["failed"] * 3
    assert len(edge.cloud.phone("lisi").received) == 1
    edge.settle(86_400)
    edge.say("KEY", channel="wecom_robot")
    settle_all(edge, 1)
    assert len(edge.cloud.phone("lisi").received) == 2


def test_the_fallback_is_used_if_the_app_may_not_send(edge: Edge) -> None:
    edge.cloud.faults.inject("message/send", errcode=60020)
    edge.say("zhangsan")
    edge.settle()
    assert [(each.channel, each.state) for each in edge.notices()] == [("wecom_app", "failed"), ("sms_mail", "failed")]


def test_an_expired_notice_is_not_sent(edge: Edge) -> None:
    edge.say("zhangsan", due_at=edge.clock.instant, expires_at=edge.clock.instant + timedelta(minutes=1))
    edge.settle(60)
    assert (states(edge), edge.cloud.deliveries) == (["expired"], [])


def test_a_notice_that_is_not_due_waits(edge: Edge) -> None:
    edge.say("zhangsan", due_at=edge.clock.instant + timedelta(minutes=10))
    settle_all(edge, 9)
    assert states(edge) == ["due"]
    settle_all(edge, 2)
    assert states(edge) == ["sent"]


def test_a_notice_that_is_no_longer_true_is_cancelled(edge: Edge) -> None:
    edge.say("zhangsan", check_name="alert", alert_id=None, form=NoticeForm.TEXT)
    edge.settle()
    assert (states(edge), edge.cloud.deliveries) == (["cancelled"], [])


def test_a_notice_for_a_channel_that_is_off_fails(edge: Edge) -> None:
    del edge.bot.channels.senders["wecom_app"]
    edge.say("zhangsan")
    edge.settle()
    assert [(each.state, each.detail) for each in edge.notices()] == [("failed", "channel_off")]


def test_an_attempt_that_fails_unexpectedly_is_unknown(edge: Edge) -> None:
    class Broken(Wrapped):
        def send(self, *_: Any) -> SendResult:
            raise KeyError("surprise")

    edge.bot.channels.senders["wecom_robot"] = Broken(edge.bot.channels.senders["wecom_robot"])
    edge.say("KEY", channel="wecom_robot")
    edge.settle()
    assert states(edge) == ["unknown"]


# --- crashes


class Killed(BaseException):
    """The end of the process: nothing handles it."""


class Deadly(Wrapped):
    def send(self, *_: Any) -> SendResult:
        raise Killed


def dies_at_sending(edge: Edge) -> None:
    """The process ends after the claim of each notice: nothing is written after that."""
    senders = dict(edge.bot.channels.senders)
    edge.bot.channels.senders.update({name: Deadly(sender) for name, sender in senders.items()})
    for _ in edge.notices():
        with pytest.raises(Killed):
            edge.settle()
    edge.bot.channels.senders.update(senders)
    assert set(states(edge)) == {"sending"}


def test_after_a_crash_the_app_resends_and_the_robot_notice_is_unknown(
    edge: Edge, cloud: Cloud, clock: HandClock, tmp_path: Path
) -> None:
    edge.say("zhangsan")
    edge.say("KEY", channel="wecom_robot")
    dies_at_sending(edge)
    with run_edge(tmp_path, cloud, clock) as reborn:
        after_a_crash(reborn)
        assert states(reborn) == ["sent", "unknown"]
    assert (len(cloud.phone("zhangsan").received), len(cloud.group("KEY").received)) == (1, 0)


def test_after_a_crash_the_app_resends_the_same_text(
    edge: Edge, cloud: Cloud, clock: HandClock, tmp_path: Path
) -> None:
    """It may have arrived, and the platform drops only an identical message."""
    notice_id = edge.say("zhangsan", text_key="clock.cannot_go_back", params={"reached": "甲", "start": "乙"})
    dies_at_sending(edge)
    with edge.bot.uow.transaction() as store:
        notice = store.notices.get(notice_id)
        assert notice is not None
        notice.params = {"reached": "丙", "start": "丁"}
    with run_edge(tmp_path, cloud, clock) as reborn:
        after_a_crash(reborn)
    assert "甲" in cloud.phone("zhangsan").texts[0]


def test_an_attempt_is_not_recovered_before_its_lease_ends(edge: Edge) -> None:
    edge.say("zhangsan")
    dies_at_sending(edge)
    edge.clock.instant += timedelta(minutes=1)
    edge.bot.worker.requeue_lost_work()
    edge.settle()
    assert states(edge) == ["sending"]


# --- cards


def card(edge: Edge) -> Any:
    edge.say(
        "zhangsan",
        form=NoticeForm.BUTTONS,
        text_key="question.part_card",
        params={
            "submission": 1,
            "choices": [["1:part:1", "1 罐区"]],
            "receipt": "1124-0001",
            "enterprise": "甲",
            "time": "00:31",
        },
    )
    edge.settle()
    return edge.cloud.phone("zhangsan").cards[-1]


def update(edge: Edge, code: str) -> str:
    notice = edge.say(
        "zhangsan",
        form=NoticeForm.CARD_UPDATE,
        text_key="question.card_answered",
        params={"response_code": code, "label": "1 罐区"},
    )
    edge.settle()
    return str(edge.notice(notice).state)


def test_a_response_code_changes_a_card_once(edge: Edge) -> None:
    shown = card(edge)
    code = edge.notices()[0].response_code
    assert update(edge, code) == "sent"
    assert shown.replacement_text == "已记为 1 罐区"
    assert update(edge, code) == "failed"


# --- the fallback


@pytest.fixture
def loopback() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(bodies) == 1 else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/sms", bodies
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_fallback_addresses_are_retried_until_one_accepts(
    tmp_path: Path, cloud: Cloud, clock: HandClock, loopback: tuple[str, list[dict[str, Any]]]
) -> None:
    url, bodies = loopback
    config = config_for(cloud, tmp_path).model_copy(update={"ALERT_FALLBACK_URLS": (SecretStr(url),)})
    with run_edge(tmp_path, cloud, clock, config) as edge:
        edge.say(channel="sms_mail")
        settle_all(edge, 1)
        assert states(edge) == ["sent"]
    assert len(bodies) == 2
    assert "绑定码" in bodies[-1]["message"]
