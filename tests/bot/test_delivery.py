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

from bot.app import SEND_CHECKS, build_ssrf_guard
from bot.channels.errors import OutcomeUnknown
from bot.channels.interface import SendResult
from bot.clock import wall_now
from bot.delivery.attachments import Attachments
from bot.delivery.deliver import Delivery, DeliveryTimings
from bot.devtools.simulator import Cloud
from bot.media.film_images import FilmImages
from bot.signed_links import SignedLinks
from storage.db.models import Binding, DeliveryAttempt, Person
from storage.errors import DatabaseUnavailable
from storage.notices import NoticeForm
from storage.outbound import OutboundMessage
from tests.bot.parts import Edge, edge
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


def settle_all(here: Edge, minutes: int = 5) -> None:
    for _ in range(minutes * 4):
        here.settle(15)


def states(here: Edge) -> list[str]:
    return [each.state for each in here.notices()]


class Wrapped:
    """An object of which a test replaces something."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


def deliver_with(here: Edge, timings: DeliveryTimings, uow: Any = None) -> None:
    """From now on notices are delivered with these timings."""
    uow, objects = uow or here.bot.uow, here.bot.objects
    links = SignedLinks(here.bot.config.public_url, "a key")
    attachments = Attachments(uow, objects, FilmImages(objects), links, build_ssrf_guard(here.bot.config))
    delivery = Delivery(uow, here.bot.channels, SEND_CHECKS, attachments, timings)
    here.engine.start(lambda kind, row_id: delivery.deliver(row_id))


def at_wall_time(later: timedelta) -> DeliveryTimings:
    return DeliveryTimings(wall_now=lambda: wall_now() + later)


def after_a_crash(here: Edge) -> None:
    """What the next process on this machine does first: every attempt under way was interrupted."""
    with here.bot.uow.transaction() as store:
        store.notices.expire_leases(wall_now())
    here.clock.instant += timedelta(minutes=1)
    here.bot.worker.requeue_lost_work()
    here.settle()


# --- rates


def test_a_robot_sends_18_messages_a_minute_and_the_rest_later(here: Edge) -> None:
    ids = [here.say("KEY", channel="wecom_robot") for _ in range(40)]
    here.settle()
    assert len(here.cloud.group("KEY").received) == 18
    here.settle(59)
    assert len(here.cloud.group("KEY").received) == 18
    here.settle(1)
    assert len(here.cloud.group("KEY").received) == 36
    settle_all(here)
    assert states(here) == ["sent"] * 40
    assert here.cloud.violations == []
    attempts = sorted(here.rows(DeliveryAttempt), key=lambda each: each.id)
    assert [each.notice_id for each in attempts] == ids


def test_a_member_gets_at_most_28_messages_a_minute_and_none_is_dropped(here: Edge) -> None:
    for _ in range(40):
        here.say("zhangsan")
    settle_all(here)
    assert {each.state for each in here.cloud.deliveries} <= {"shown", "duplicate"}
    assert states(here) == ["sent"] * 40


def test_a_throttled_robot_is_not_called_for_a_minute(here: Edge) -> None:
    here.cloud.faults.inject("webhook/send", errcode=45009)
    for _ in range(5):
        here.say("KEY", channel="wecom_robot")
    here.settle()
    assert (here.cloud.group("KEY").received, len(here.rows(DeliveryAttempt))) == ([], 1)
    here.settle(59)
    assert here.cloud.group("KEY").received == []
    here.settle(2)
    assert len(here.cloud.group("KEY").received) == 5
    assert states(here) == ["sent"] * 5


def test_a_throttled_robot_does_not_delay_another(here: Edge) -> None:
    here.cloud.add_robot("OTHER", "另一个群")
    here.cloud.faults.inject("webhook/send", errcode=45009)
    here.say("KEY", channel="wecom_robot")
    here.say("OTHER", channel="wecom_robot")
    here.settle()
    assert len(here.cloud.group("OTHER").received) == 1


def test_notices_of_a_route_are_sent_in_order(here: Edge) -> None:
    for text_key in TEXTS:
        here.say("zhangsan", text_key=text_key)
    here.settle()
    assert [each.text_key for each in here.notices() if each.state == "sent"] == list(TEXTS)
    assert len(set(here.cloud.phone("zhangsan").texts)) == 6
    first = here.cloud.phone("zhangsan").texts[0]
    assert "绑定码" in first


def test_equal_texts_are_delivered_as_often_as_they_are_sent(here: Edge) -> None:
    """The platform must drop repeats only: two requests for help get two answers."""
    for _ in range(3):
        for _ in range(28):
            here.say("zhangsan")
            here.say("lisi", text_key="unsupported.voice")
        here.settle(60)
    assert {each.state for each in here.cloud.deliveries} == {"shown"}
    assert len(here.cloud.phone("zhangsan").received) == 84
    assert here.cloud.violations == []


def test_a_resend_does_not_make_the_platform_drop_an_equal_answer(here: Edge) -> None:
    """A late resend keeps its dedupe interval, which must differ from that of the next message."""
    here.cloud.faults.inject("message/send", lose_response=True)
    here.say("zhangsan", text_key="unsupported.voice")
    here.settle()
    here.say("zhangsan")
    here.settle()
    here.settle(15)
    assert states(here) == ["sent", "sent"]
    here.say("zhangsan")
    here.settle()
    assert len(here.cloud.phone("zhangsan").received) == 3


# --- lost answers


def test_a_robot_notice_with_a_lost_answer_is_unknown_and_not_resent(here: Edge) -> None:
    here.cloud.faults.inject("webhook/send", lose_response=True)
    here.say("KEY", channel="wecom_robot")
    settle_all(here)
    assert (states(here), len(here.cloud.group("KEY").received)) == (["unknown"], 1)


def test_a_robot_notice_that_was_never_sent_is_retried(here: Edge, cloud: Cloud) -> None:
    robot = here.bot.channels.senders["wecom_robot"]
    url, robot._url = robot._url, "http://127.0.0.1:9/cgi-bin/webhook"  # type: ignore[attr-defined]
    here.say("KEY", channel="wecom_robot")
    here.settle()
    robot._url = url  # type: ignore[attr-defined]
    settle_all(here)
    assert (states(here), len(cloud.group("KEY").received)) == (["sent"], 1)


def test_an_app_notice_with_a_lost_answer_is_resent_exactly_and_delivered_once(here: Edge) -> None:
    here.cloud.faults.inject("message/send", lose_response=True)
    here.say("zhangsan")
    settle_all(here)
    sent = [each for each in here.cloud.deliveries if each.endpoint == "message/send"]
    assert [each.state for each in sent] == ["shown", "duplicate"]
    assert sent[0].raw == sent[1].raw
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_gateway_timeout_does_not_deliver_a_message_twice(here: Edge) -> None:
    here.cloud.faults.inject("message/send", http_status=504)
    here.say("zhangsan")
    settle_all(here)
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_notice_is_unknown_after_the_dedupe_window(here: Edge) -> None:
    """A resend after that would be delivered a second time."""
    here.cloud.faults.inject("message/send", lose_response=True)
    here.say("zhangsan")
    here.settle()
    deliver_with(here, at_wall_time(timedelta(minutes=2, seconds=30)))
    settle_all(here)
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["unknown"], 1)
    assert [each.state for each in here.cloud.deliveries] == ["shown"]


def test_a_channel_gets_the_same_message_at_every_resend(here: Edge) -> None:
    """Customer service derives the id of a message from its content."""
    sent: list[OutboundMessage] = []

    class Forgetful(Wrapped):
        def send(self, address: str, message: OutboundMessage, load_file: Any) -> SendResult:
            sent.append(message)
            if len(sent) < 3:
                raise OutcomeUnknown("no answer")
            return SendResult()

    here.bot.channels.senders["wecom_app"] = Forgetful(here.bot.channels.senders["wecom_app"])
    here.say("zhangsan")
    settle_all(here)
    assert (len(sent), sent[0] == sent[1] == sent[2], states(here)) == (3, True, ["sent"])
    assert len({message.identity for message in sent}) == 1


def test_a_receipt_is_resent_for_half_an_hour(here: Edge) -> None:
    here.cloud.faults.inject("message/send", lose_response=True)
    here.say("zhangsan", kind="receipt")
    here.settle()
    deliver_with(here, at_wall_time(timedelta(minutes=29)))
    settle_all(here)
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_a_refusal_after_a_lost_answer_does_not_change_the_message(here: Edge) -> None:
    """The notice is resent exactly, although the last attempt was refused."""
    here.cloud.faults.inject("message/send", lose_response=True)
    here.cloud.faults.inject("message/send", errcode=-1)
    notice_id = here.say("zhangsan", text_key="clock.cannot_go_back", params={"reached": "甲", "start": "乙"})
    here.settle()
    here.settle(15)
    with here.bot.uow.transaction() as store:
        notice = store.notices.get(notice_id)
        assert notice is not None
        notice.params = {"reached": "丙", "start": "丁"}
    settle_all(here)
    assert (states(here), [each.state for each in here.cloud.deliveries]) == (["sent"], ["shown", "duplicate"])


def test_a_notice_that_may_have_arrived_ends_as_unknown(here: Edge) -> None:
    """Neither expiry nor a later refusal proves that the first attempt did not arrive."""
    for after in ({"errcode": 40008}, {"drop": True}):
        here.cloud.faults.inject("message/send", lose_response=True)
        here.cloud.faults.inject("message/send", **after, times=50)
        here.say("zhangsan", expires_at=here.clock.instant + timedelta(minutes=3))
        settle_all(here)
        here.cloud.faults.clear()
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["unknown", "unknown"], 2)


def test_a_file_with_a_lost_answer_is_not_resent(here: Edge) -> None:
    """Each upload is another file to the platform, so it would deliver both."""
    here.cloud.faults.inject("message/send", lose_response=True)
    here.say("zhangsan", form=NoticeForm.REPORT_FILE, params={"issued_at": here.clock.instant.isoformat()})
    settle_all(here)
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["unknown"], 1)


def test_an_upload_with_a_lost_answer_is_repeated(here: Edge) -> None:
    here.cloud.faults.inject("media/upload", lose_response=True)
    here.say("zhangsan", form=NoticeForm.REPORT_FILE, params={"issued_at": here.clock.instant.isoformat()})
    settle_all(here)
    assert (states(here), len(here.cloud.phone("zhangsan").received)) == (["sent"], 1)


def test_an_outcome_is_recorded_when_the_database_is_back(here: Edge) -> None:
    """Otherwise a group message that was sent would be recorded as unknown."""
    away = iter([False, True, True])

    class Flaky(Wrapped):
        @contextmanager
        def transaction(self) -> Iterator[Any]:
            if next(away, False):
                raise DatabaseUnavailable("stopped")
            with here.bot.uow.transaction() as store:
                yield store

    here.say("KEY", channel="wecom_robot")
    deliver_with(here, DeliveryTimings(outcome_retry_s=0.01), Flaky(here.bot.uow))
    here.settle()
    assert next(away, None) is None
    assert (states(here), len(here.cloud.group("KEY").received)) == (["sent"], 1)


# --- refusals


def test_an_unreachable_recipient_fails_at_the_first_attempt(here: Edge) -> None:
    here.say("nobody")
    settle_all(here)
    assert [(each.state, each.attempts) for each in here.notices()] == [("failed", 1)]


def test_a_success_that_names_an_invalid_user_is_a_failure(here: Edge) -> None:
    here.cloud.add_member("leaving")
    here.say("leaving|nobody")
    here.settle()
    assert [
        (each.state, "81013" in (each.detail or "") or "not reachable" in (each.detail or ""))
        for each in here.notices()
    ] == [("failed", True)]


def test_the_office_is_notified_once_a_day_of_a_removed_robot(here: Edge) -> None:
    with here.bot.uow.transaction() as store:
        person = Person(name="王科", roles=["工作人员"])
        store.session.add(person)
        store.session.flush()
        store.session.add(Binding(person_id=person.id, realm="wecom", account="lisi", canonical_account="lisi"))
    here.cloud.remove_robot("KEY")
    for _ in range(3):
        here.say("KEY", channel="wecom_robot")
    settle_all(here, 1)
    assert [each.state for each in here.notices() if each.channel == "wecom_robot"] == ["failed"] * 3
    assert len(here.cloud.phone("lisi").received) == 1
    here.settle(86_400)
    here.say("KEY", channel="wecom_robot")
    settle_all(here, 1)
    assert len(here.cloud.phone("lisi").received) == 2


def test_the_fallback_is_used_if_the_app_may_not_send(here: Edge) -> None:
    here.cloud.faults.inject("message/send", errcode=60020)
    here.say("zhangsan")
    here.settle()
    assert [(each.channel, each.state) for each in here.notices()] == [("wecom_app", "failed"), ("sms_mail", "failed")]


def test_an_expired_notice_is_not_sent(here: Edge) -> None:
    here.say("zhangsan", due_at=here.clock.instant, expires_at=here.clock.instant + timedelta(minutes=1))
    here.settle(60)
    assert (states(here), here.cloud.deliveries) == (["expired"], [])


def test_a_notice_that_is_not_due_waits(here: Edge) -> None:
    here.say("zhangsan", due_at=here.clock.instant + timedelta(minutes=10))
    settle_all(here, 9)
    assert states(here) == ["due"]
    settle_all(here, 2)
    assert states(here) == ["sent"]


def test_a_notice_that_is_no_longer_true_is_cancelled(here: Edge) -> None:
    here.say("zhangsan", check_name="alert", alert_id=None, form=NoticeForm.TEXT)
    here.settle()
    assert (states(here), here.cloud.deliveries) == (["cancelled"], [])


def test_a_notice_for_a_channel_that_is_off_fails(here: Edge) -> None:
    del here.bot.channels.senders["wecom_app"]
    here.say("zhangsan")
    here.settle()
    assert [(each.state, each.detail) for each in here.notices()] == [("failed", "channel_off")]


def test_an_attempt_that_fails_unexpectedly_is_unknown(here: Edge) -> None:
    class Broken(Wrapped):
        def send(self, *_: Any) -> SendResult:
            raise KeyError("surprise")

    here.bot.channels.senders["wecom_robot"] = Broken(here.bot.channels.senders["wecom_robot"])
    here.say("KEY", channel="wecom_robot")
    here.settle()
    assert states(here) == ["unknown"]


# --- crashes


class Killed(BaseException):
    """The end of the process: nothing handles it."""


class Deadly(Wrapped):
    def send(self, *_: Any) -> SendResult:
        raise Killed


def dies_at_sending(here: Edge) -> None:
    """The process ends after the claim of each notice: nothing is written after that."""
    senders = dict(here.bot.channels.senders)
    here.bot.channels.senders.update({name: Deadly(sender) for name, sender in senders.items()})
    for _ in here.notices():
        with pytest.raises(Killed):
            here.settle()
    here.bot.channels.senders.update(senders)
    assert set(states(here)) == {"sending"}


def test_after_a_crash_the_app_resends_and_the_robot_notice_is_unknown(
    here: Edge, cloud: Cloud, clock: HandClock, tmp_path: Path
) -> None:
    here.say("zhangsan")
    here.say("KEY", channel="wecom_robot")
    dies_at_sending(here)
    with edge(tmp_path, cloud, clock) as reborn:
        after_a_crash(reborn)
        assert states(reborn) == ["sent", "unknown"]
    assert (len(cloud.phone("zhangsan").received), len(cloud.group("KEY").received)) == (1, 0)


def test_after_a_crash_the_app_resends_the_same_text(
    here: Edge, cloud: Cloud, clock: HandClock, tmp_path: Path
) -> None:
    """It may have arrived, and the platform drops only an identical message."""
    notice_id = here.say("zhangsan", text_key="clock.cannot_go_back", params={"reached": "甲", "start": "乙"})
    dies_at_sending(here)
    with here.bot.uow.transaction() as store:
        notice = store.notices.get(notice_id)
        assert notice is not None
        notice.params = {"reached": "丙", "start": "丁"}
    with edge(tmp_path, cloud, clock) as reborn:
        after_a_crash(reborn)
    assert "甲" in cloud.phone("zhangsan").texts[0]


def test_an_attempt_is_not_recovered_before_its_lease_ends(here: Edge) -> None:
    here.say("zhangsan")
    dies_at_sending(here)
    here.clock.instant += timedelta(minutes=1)
    here.bot.worker.requeue_lost_work()
    here.settle()
    assert states(here) == ["sending"]


# --- cards


def card(here: Edge) -> Any:
    here.say(
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
    here.settle()
    return here.cloud.phone("zhangsan").cards[-1]


def update(here: Edge, code: str) -> str:
    notice = here.say(
        "zhangsan",
        form=NoticeForm.CARD_UPDATE,
        text_key="question.card_answered",
        params={"response_code": code, "label": "1 罐区"},
    )
    here.settle()
    return str(here.notice(notice).state)


def test_a_response_code_changes_a_card_once(here: Edge) -> None:
    shown = card(here)
    code = here.notices()[0].response_code
    assert update(here, code) == "sent"
    assert shown.replacement_text == "已记为 1 罐区"
    assert update(here, code) == "failed"


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
    with edge(tmp_path, cloud, clock, config) as here:
        here.say(channel="sms_mail")
        settle_all(here, 1)
        assert states(here) == ["sent"]
    assert len(bodies) == 2
    assert "绑定码" in bodies[-1]["message"]
