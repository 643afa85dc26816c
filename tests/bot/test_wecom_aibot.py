"""The smart bot: its connection and the lease for it, its media, its frames, and calls from other processes."""

from __future__ import annotations

import base64
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.errors import (
    MediaGone,
    Misconfigured,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Transient,
    Undecryptable,
)
from bot.channels.interface import ChannelLimits
from bot.channels.wecom_aibot import frames, media
from bot.channels.wecom_aibot.frames import WECOM_AIBOT
from bot.channels.wecom_aibot.rpc import AibotRpc, RpcTimeouts
from bot.channels.wecom_aibot.websocket import AibotWebSocket, ConnectionTimings
from bot.clock import wall_now
from bot.delivery.rate_limits import earliest_send_at
from bot.devtools.simulator import Cloud, serve_aibot
from bot.intake.aibot_connection import AibotConnection
from storage.db.models import InboxRow, Lease, Notice, RpcCall
from storage.outbound import OutboundMessage, TextPayload
from tests.bot.parts import Edge, run_edge, until
from tests.harness import HandClock, config_for, film_bytes
from tests.places import Place

QUICK = ConnectionTimings(
    ack_timeout_s=2,
    ping_interval_s=0.1,
    first_backoff_s=0.05,
    max_backoff_s=0.2,
    lease_s=1.5,
    lease_renew_s=0.3,
    lease_retry_s=0.1,
    kicked_pause_s=1,
    login_failure_pause_s=60,
    max_login_failures=2,
)


@pytest.fixture
def gateway(cloud: Cloud) -> Cloud:
    serve_aibot(cloud)
    cloud.aibot.add_chat("wrChat", "群", ("zhangsan", "lisi"))
    return cloud


def login(cloud: Cloud) -> tuple[str, str, str]:
    settings = cloud.aibot.settings
    return settings["WECOM_AIBOT_URL"], settings["WECOM_AIBOT_ID"], settings["WECOM_AIBOT_SECRET"]


def connect_aibot(
    cloud: Cloud, on_frame: Callable[[Any], None] = lambda _frame: None, timings: ConnectionTimings = QUICK
) -> AibotWebSocket:
    return AibotWebSocket(*login(cloud), on_frame, timings)


def markdown(to: str = "wrChat", text: str = "好") -> dict[str, Any]:
    return {"chatid": to, "chat_type": 0, "msgtype": "markdown", "markdown": {"content": text}}


# The connection


def test_a_refused_login_is_misconfigured(gateway: Cloud) -> None:
    address, bot_id, _ = login(gateway)
    with pytest.raises(Misconfigured) as refused:
        AibotWebSocket(address, bot_id, "wrong", lambda _frame: None, QUICK)
    assert "wrong" not in refused.value.detail


def test_an_unreachable_gateway_is_transient() -> None:
    with pytest.raises(Transient):
        AibotWebSocket("ws://127.0.0.1:9", "id", "secret", lambda _frame: None, QUICK)


def test_a_lost_acknowledgement_is_of_unknown_outcome(gateway: Cloud) -> None:
    connection = connect_aibot(gateway, timings=replace(QUICK, ack_timeout_s=0.2))
    gateway.faults.inject("aibot_send_msg", lose_response=True)
    with pytest.raises(OutcomeUnknown):
        connection.call("aibot_send_msg", markdown())
    gateway.faults.inject("aibot_send_msg", errcode=45009)
    with pytest.raises(RateLimited):
        connection.call("aibot_send_msg", markdown())
    connection.close()
    with pytest.raises(Transient):
        connection.call("aibot_send_msg", markdown())


def test_a_broken_connection_ends_pending_calls(gateway: Cloud) -> None:
    connection = connect_aibot(gateway, timings=replace(QUICK, ack_timeout_s=60))
    gateway.faults.inject("aibot_send_msg", drop=True)
    with pytest.raises(OutcomeUnknown):
        connection.call("aibot_send_msg", markdown())
    assert connection.closed.wait(5)


def test_replies_to_one_message_are_sent_one_by_one(gateway: Cloud) -> None:
    received: list[Any] = []
    connection = connect_aibot(gateway, received.append)
    said = gateway.aibot.says("zhangsan", "1")
    until(lambda: received)
    hold = threading.Event()
    gateway.faults.inject("aibot_respond_msg", hold=hold)
    answers = [{"msgtype": "markdown", "markdown": {"content": str(number)}} for number in range(3)]
    first = threading.Thread(target=connection.call, args=("aibot_respond_msg", answers[0], said.req_id))
    first.start()
    until(lambda: not gateway.faults.pending("aibot_respond_msg"))
    others = [
        threading.Thread(target=connection.call, args=("aibot_respond_msg", each, said.req_id)) for each in answers[1:]
    ]
    for each in others:
        each.start()
    assert gateway.phone("zhangsan").texts == []
    hold.set()
    for each in (first, *others):
        each.join()
    assert gateway.phone("zhangsan").texts[0] == "0"
    assert sorted(gateway.phone("zhangsan").texts) == ["0", "1", "2"]
    connection.close()


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"cmd": "aibot_dance"}', '{"headers": 7}', "{}", '"\\ud800"'])
def test_an_invalid_frame_is_ignored(gateway: Cloud, text: str) -> None:
    received: list[Any] = []
    connection = connect_aibot(gateway, received.append)
    assert gateway.aibot.gateway is not None
    assert gateway.aibot.gateway.push_text(text)
    gateway.aibot.says("zhangsan", "1")
    until(lambda: received)
    assert connection.ping()
    connection.close()


# Media


def sealed(data: bytes, pad: int | None = None) -> tuple[bytes, str]:
    key = os.urandom(32)
    count = pad or 32 - len(data) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return encryptor.update(data + bytes([count]) * count), base64.b64encode(key).decode().rstrip("=")


@given(st.binary(max_size=200), st.integers(1, 70))
def test_a_film_is_decrypted_whatever_the_chunk_size(data: bytes, size: int) -> None:
    cipher, key = sealed(data)
    pieces = [cipher[start : start + size] for start in range(0, len(cipher), size)]
    assert b"".join(media.decrypt_stream(iter(pieces), key)) == data


@pytest.mark.parametrize("spoil", [lambda cipher: cipher[:-1], lambda cipher: b"", lambda cipher: cipher[:-32]])
def test_a_cut_ciphertext_is_undecryptable(spoil: Callable[[bytes], bytes]) -> None:
    cipher, key = sealed(b"\x00" * 100)
    with pytest.raises(Undecryptable):
        list(media.decrypt_stream(iter([spoil(cipher)]), key))


@pytest.mark.parametrize("key", ["", "not base64!", "QUJD", "A" * 43 + "===="])
def test_an_invalid_key_is_undecryptable(key: str) -> None:
    with pytest.raises(Undecryptable):
        list(media.decrypt_stream(iter([bytes(32)]), key))


def test_a_broken_download_is_resumed(gateway: Cloud) -> None:
    film = os.urandom(700_000)
    media_json = gateway.aibot.media.add(film, "a.mp4")
    gateway.faults.inject("aibot_media", truncate_after=300_001)
    gateway.faults.inject("aibot_media", truncate_after=100_000)
    get: media.HttpGet = lambda url, headers: requests.get(url, headers=dict(headers), stream=True, timeout=5)  # noqa: E731
    key = str(media_json["aeskey"])
    assert b"".join(media.decrypt_stream(media.fetch_stream(str(media_json["url"]), get), key)) == film


def test_an_expired_url_is_gone_and_a_server_error_is_transient(gateway: Cloud, clock: HandClock) -> None:
    media_json = gateway.aibot.media.add(b"film", "a.mp4")
    get: media.HttpGet = lambda url, headers: requests.get(url, headers=dict(headers), stream=True, timeout=5)  # noqa: E731
    gateway.faults.inject("aibot_media", http_status=502)
    with pytest.raises(Transient):
        list(media.fetch_stream(str(media_json["url"]), get))
    clock.instant += timedelta(seconds=300)
    with pytest.raises(MediaGone):
        list(media.fetch_stream(str(media_json["url"]), get))


def test_an_endless_film_is_given_up() -> None:
    class Body(io.BytesIO):
        def read1(self, size: int | None = -1, decode_content: bool = False) -> bytes:
            return bytes(16 * 1024 * 1024)

    class Endless(requests.Response):
        def __init__(self) -> None:
            super().__init__()
            self.status_code, self.raw = 200, Body()

    with pytest.raises(Permanent):
        for _ in media.fetch_stream("https://cos.example/film", lambda _url, _headers: Endless()):
            pass


# Frames


def body(**more: Any) -> dict[str, Any]:
    usual = {"msgid": "m", "from": {"userid": "p1"}, "chattype": "group", "chatid": "wr", "create_time": 1795000000}
    return {"cmd": "aibot_msg_callback", "headers": {"req_id": "r"}, "body": {**usual, "msgtype": "text", **more}}


def said(frame: dict[str, Any]) -> frames.Message:
    [only] = frames.parse_frame(frame)
    return frames.parse_message(only.raw, 1, wall_now())


@pytest.mark.parametrize(
    "text", ["@夜巡机器人 2号泵房", "2号泵房 @夜巡机器人", "@夜巡机器人\u2005 2号泵房", "@夜巡机器人 @张三 2号泵房 "]
)
def test_the_mention_is_removed_from_a_group_text(text: str) -> None:
    assert said(body(text={"content": text})).text == "2号泵房"


def test_an_at_sign_in_a_single_chat_is_text() -> None:
    assert said(body(chattype="single", chatid="", text={"content": "写给 a@b.cn 了"})).text == "写给 a@b.cn 了"


@pytest.mark.parametrize("spelling", ["event_key", "eventkey"])
def test_a_click_is_parsed_in_both_spellings(spelling: str) -> None:
    event = {"eventtype": "template_card_event", "template_card_event": {spelling: "ack", "task_id": "alert-1-2"}}
    pressed = said(body(msgtype="event", event=event))
    assert (pressed.kind, pressed.button, pressed.task_id) == ("press", "ack", "alert-1-2")


def test_a_submitted_option_is_the_pressed_key() -> None:
    chosen = {"selected_item": [{"question_key": "what", "option_ids": {"option_id": ["7:part:3"]}}]}
    event = {
        "eventtype": "template_card_event",
        "template_card_event": {"event_key": "select", "task_id": "q-7-1", "selected_items": chosen},
    }
    assert said(body(msgtype="event", event=event)).button == "7:part:3"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a1@ ", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["msgtype", "text", "content", "event", "quote", "video", "url", "mixed", "msg_item", "from"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["text", "video", "quote", "mixed", "event", "create_time", "chatid"]), JSON))
def test_no_body_breaks_the_parser(odd: dict[str, Any]) -> None:
    for msgtype in ("text", "mixed", "event", "video", "hologram"):
        for each in frames.parse_frame(body(msgtype=msgtype, **odd)):
            frames.parse_message(frames.redact_media_keys(each.raw), 1, wall_now())


# The lease


@contextmanager
def holder(where: Edge, cloud: Cloud, name: str, timings: ConnectionTimings = QUICK) -> Iterator[AibotConnection]:
    uow = where.bot.uow
    rpc = AibotRpc(uow.transaction, uow.read)
    made = AibotConnection(uow, where.bot.inbox_writer, rpc, login(cloud), name, timings)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_one_worker_connects_and_another_takes_over(place: Place, edge: Edge, gateway: Cloud) -> None:
    with holder(edge, gateway, "one") as one:
        until(lambda: one.is_connected)
        with holder(edge, gateway, "two") as two:
            gateway.aibot.says("zhangsan", "1")
            until(edge.inbox)
            assert not two.is_connected
            one.stop()
            until(lambda: two.is_connected)
            gateway.aibot.says("zhangsan", "2")
            until(lambda: len(edge.inbox()) == 2)
    assert gateway.aibot.kick_count == 0


def test_the_lease_of_a_dead_holder_expires(place: Place, edge: Edge, gateway: Cloud) -> None:
    with edge.bot.uow.transaction() as store:
        assert store.leases.acquire(WECOM_AIBOT, "dead", wall_now(), timedelta(seconds=0.5))
    with holder(edge, gateway, "one") as one:
        until(lambda: one.is_connected)


def test_a_foreign_login_is_not_kicked(edge: Edge, gateway: Cloud) -> None:
    with holder(edge, gateway, "one") as one:
        until(lambda: one.is_connected)
        foreign = connect_aibot(gateway)
        until(lambda: not one.is_connected)
        until(lambda: edge.rows(Notice))
        assert edge.rows(Notice)[0].text_key == "office_alert.aibot_taken_over"
        assert not foreign.kicked
        # After the pause it connects again.
        until(lambda: one.is_connected)
        assert gateway.aibot.kick_count == 2
        foreign.close()


def test_a_silent_gateway_is_reconnected(edge: Edge, gateway: Cloud) -> None:
    with holder(edge, gateway, "one", replace(QUICK, ack_timeout_s=0.1)) as one:
        until(lambda: one.is_connected)
        gateway.faults.inject("ping", lose_response=True, times=2)
        until(lambda: gateway.aibot.login_count == 2)
        until(lambda: one.is_connected)
        gateway.aibot.says("zhangsan", "1")
        until(edge.inbox)
        assert [row.channel for row in edge.inbox()] == [WECOM_AIBOT], "a message arrives over the new connection"


def test_a_broken_connection_is_reconnected(edge: Edge, gateway: Cloud) -> None:
    with holder(edge, gateway, "one") as one:
        until(lambda: one.is_connected)
        assert gateway.aibot.gateway is not None
        gateway.aibot.gateway.drop_connection()
        until(lambda: gateway.aibot.login_count == 2)
        until(lambda: one.is_connected)
        gateway.aibot.says("zhangsan", "1")
        until(edge.inbox)
        assert [row.channel for row in edge.inbox()] == [WECOM_AIBOT], "a message arrives over the new connection"


def test_refused_logins_stop_and_the_office_is_notified(edge: Edge, gateway: Cloud) -> None:
    address, bot_id, _ = login(gateway)
    uow = edge.bot.uow
    rpc = AibotRpc(uow.transaction, uow.read)
    made = AibotConnection(uow, edge.bot.inbox_writer, rpc, (address, bot_id, "wrong"), "one", QUICK)
    made.start()
    until(lambda: edge.rows(Notice))
    assert edge.rows(Notice)[0].text_key == "office_alert.aibot_refused"
    assert gateway.faults.pending("ping") == 0
    made.stop()
    assert len([each for each in gateway.violations if each.endpoint == "aibot_subscribe"]) == QUICK.max_login_failures


# Calls from other processes


def rpc_of(where: Edge, timeouts: RpcTimeouts | None = None) -> AibotRpc:
    return AibotRpc(where.bot.uow.transaction, where.bot.uow.read, timeouts)


def test_a_process_calls_through_the_connection_holder(place: Place, edge: Edge, gateway: Cloud) -> None:
    with holder(edge, gateway, "one") as one:
        until(lambda: one.is_connected)
        assert rpc_of(edge).call("aibot_send_msg", markdown(text="从别处")) == {}
        gateway.faults.inject("aibot_send_msg", errcode=45009)
        with pytest.raises(RateLimited):
            rpc_of(edge).call("aibot_send_msg", markdown())
        gateway.faults.inject("aibot_send_msg", drop=True)
        with pytest.raises(OutcomeUnknown):
            rpc_of(edge).call("aibot_send_msg", markdown())
    assert gateway.aibot.chats["wrChat"].texts == ["从别处"]


def test_a_call_without_a_connection_holder_is_transient(place: Place, edge: Edge, gateway: Cloud) -> None:
    with pytest.raises(Transient) as refused:
        rpc_of(edge).call("aibot_send_msg", markdown())
    assert not isinstance(refused.value, OutcomeUnknown)
    assert edge.rows(RpcCall) == []


def test_an_unclaimed_call_is_withdrawn(place: Place, edge: Edge, gateway: Cloud) -> None:
    with edge.bot.uow.transaction() as store:
        store.leases.acquire(WECOM_AIBOT, "hangs", wall_now(), timedelta(minutes=1))
    with pytest.raises(Transient) as refused:
        rpc_of(edge, RpcTimeouts(claim_timeout_s=0.1, answer_timeout_s=0.1, poll_interval_s=0.01)).call(
            "aibot_send_msg", markdown()
        )
    assert not isinstance(refused.value, OutcomeUnknown)
    assert edge.rows(RpcCall)[0].state == "cancelled"


def test_a_claimed_call_without_a_response_is_of_unknown_outcome(place: Place, edge: Edge, gateway: Cloud) -> None:
    with edge.bot.uow.transaction() as store:
        store.leases.acquire(WECOM_AIBOT, "dies", wall_now(), timedelta(minutes=1))
    rpc = rpc_of(edge, RpcTimeouts(claim_timeout_s=2, answer_timeout_s=0.2, poll_interval_s=0.01))
    failed: list[Exception] = []

    def ask() -> None:
        try:
            rpc.call("aibot_send_msg", markdown())
        except Transient as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: edge.rows(RpcCall))
    with edge.bot.uow.transaction() as store:
        store.leases.claim_calls(WECOM_AIBOT, 1)
    thread.join()
    assert isinstance(failed[0], OutcomeUnknown)


def test_a_notice_with_a_lost_acknowledgement_is_unknown(tmp_path: Path, gateway: Cloud, clock: HandClock) -> None:
    config = config_for(gateway, tmp_path, **gateway.aibot.settings)
    with run_edge(tmp_path, gateway, clock, config) as where, holding_bot(where):
        gateway.aibot.says("zhangsan", "你好")
        until(where.inbox)
        gateway.faults.inject("aibot_respond_msg", drop=True)
        where.settle()
        assert [notice.state for notice in where.notices()] == ["unknown"]
        assert gateway.phone("zhangsan").texts == []


@contextmanager
def holding_bot(where: Edge) -> Iterator[None]:
    assert where.bot.aibot_connection is not None
    where.bot.aibot_connection.start()
    until(lambda: where.bot.aibot_connection and where.bot.aibot_connection.is_connected)
    try:
        yield
    finally:
        where.bot.aibot_connection.stop()


def test_the_log_holds_no_key_url_or_secret(
    tmp_path: Path, gateway: Cloud, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    config = config_for(gateway, tmp_path, **gateway.aibot.settings)
    with run_edge(tmp_path, gateway, clock, config) as where, holding_bot(where):
        sent = gateway.aibot.sends_film("zhangsan", b"no film at all" * 9)
        gateway.faults.inject("aibot_media", http_status=502)
        until(where.inbox)
        where.settle()
        clock.instant += timedelta(seconds=400)
        where.settle(60)
    video = sent.body["video"]
    secrets = (video["aeskey"], video["url"].rpartition("=")[2], gateway.aibot.identity.secret)
    assert not [secret for secret in secrets if secret in caplog.text]
    assert [each.state for each in where.inbox()] == ["done"]


def test_a_film_whose_address_expires_soon_goes_first(tmp_path: Path, gateway: Cloud, clock: HandClock) -> None:
    config = config_for(gateway, tmp_path, **gateway.aibot.settings)
    with run_edge(tmp_path, gateway, clock, config) as where, holding_bot(where):
        gateway.phone("zhangsan").sends_film(film_bytes(12, "app"))
        gateway.aibot.sends_film("zhangsan", film_bytes(12, "smart bot"))
        until(lambda: len(where.inbox()) == 2)
        where.bot.uow.dispatch_inbox(10)
        assert [job.row_id for _, job in where.engine.waiting] == [2, 1]


def test_a_route_respects_its_hourly_limit(place: Place, edge: Edge) -> None:
    limits = ChannelLimits(
        max_messages=5, period=timedelta(minutes=1), max_text_bytes=1, max_file_bytes=0, max_per_hour=2
    )
    sent = [edge.say(once_key=f"n{number}") for number in range(3)]
    began = edge.clock.instant
    with edge.bot.uow.transaction() as store:
        notices = [store.notices.get(each) for each in sent]
        for notice in notices[:2]:
            assert notice is not None
            message = OutboundMessage(payload=TextPayload(text="1"), sequence=0, first_sent_at=wall_now())
            store.notices.start_attempt(notice.id, began, wall_now(), timedelta(minutes=1), message)
        last = notices[2]
        assert last is not None
        later = began + timedelta(minutes=10)
        assert earliest_send_at(last, limits, store, later) == began + timedelta(hours=1)
        assert earliest_send_at(last, replace(limits, max_per_hour=None), store, later) == last.due_at


def test_a_lease_can_be_renewed_but_not_stolen(place: Place, edge: Edge) -> None:
    now, life = wall_now(), timedelta(seconds=30)
    with edge.bot.uow.transaction() as store:
        assert store.leases.acquire(WECOM_AIBOT, "one", now, life)
        assert store.leases.acquire(WECOM_AIBOT, "one", now, life)
        assert not store.leases.acquire(WECOM_AIBOT, "two", now, life)
        assert store.leases.acquire(WECOM_AIBOT, "two", now + life, life)
        assert not store.leases.back_off(WECOM_AIBOT, "one", now + life * 5)
        assert store.leases.back_off(WECOM_AIBOT, "two", now + life * 5)
        assert not store.leases.acquire(WECOM_AIBOT, "one", now + life * 4, life)
        assert store.leases.acquire(WECOM_AIBOT, "one", now + life * 5, life)
    assert [each.holder for each in lease_rows(edge)] == ["one"]
    assert edge.rows(InboxRow) == []


def lease_rows(where: Edge) -> list[Lease]:
    with where.bot.uow.read() as store:
        return list(store.session.query(Lease))
