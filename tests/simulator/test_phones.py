"""Messages of phones, and how callbacks are encrypted, signed and retried."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from defusedxml.ElementTree import fromstring
from flask import Flask, Response, request

from bot.devtools.simulator import Cloud, Phone
from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.servers import HttpServer


class Receiver:
    """The bot: decrypts every callback, and answers 200 unless `statuses` has others."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.statuses: list[int] = []
        self.messages: list[dict[str, Any]] = []
        self.queries: list[dict[str, list[str]]] = []
        cloud.callback_sender.transport = self.receive

    def receive(self, query: str, body: bytes) -> int:
        params = parse_qs(query)
        app, outer = self.cloud.app, fromstring(body)
        ciphertext = outer.findtext("Encrypt") or ""
        expected = crypto.sign(app.token, params["timestamp"][0], params["nonce"][0], ciphertext)
        assert params["msg_signature"] == [expected]
        plain, corp_id = crypto.decrypt(app.encoding_aes_key, ciphertext)
        assert corp_id == app.corp_id == outer.findtext("ToUserName")
        self.queries.append(params)
        self.messages.append({element.tag: element.text for element in fromstring(plain)})
        return self.statuses.pop(0) if self.statuses else 200


@pytest.fixture
def receiver(cloud: Cloud) -> Receiver:
    return Receiver(cloud)


@pytest.fixture
def phone(cloud: Cloud) -> Phone:
    return cloud.phone("zhangsan")


def test_a_text_arrives_with_the_usual_fields(cloud: Cloud, receiver: Receiver, phone: Phone) -> None:
    sent = phone.says("1号罐区 <正常> & ]]> 好", at=1_795_000_123)
    [message] = receiver.messages
    assert message == {
        "ToUserName": cloud.app.corp_id,
        "FromUserName": "zhangsan",
        "CreateTime": "1795000123",
        "MsgType": "text",
        "Content": "1号罐区 <正常> & ]]> 好",
        "MsgId": sent.msg_id,
        "AgentID": str(cloud.app.agent_id),
    }
    assert (sent.status, sent.statuses) == (200, [200])


@pytest.mark.parametrize(
    ("act", "msgtype", "own_fields"),
    [
        (lambda phone: phone.sends_film(b"film"), "video", {"MediaId", "ThumbMediaId"}),
        (lambda phone: phone.sends_photo(), "image", {"MediaId", "PicUrl"}),
        (lambda phone: phone.sends_file(b"file", "a.mp4"), "file", {"MediaId", "FileName"}),
        (lambda phone: phone.sends_voice(), "voice", {"MediaId", "Format"}),
        (lambda phone: phone.sends_location(30.5, 120.25, "罐区"), "location", {"Location_X", "Location_Y", "Scale"}),
        (lambda phone: phone.sends_link("题", "https://example.invalid/"), "link", {"Title", "Url", "PicUrl"}),
    ],
)
def test_every_message_type_has_its_own_fields(
    receiver: Receiver, phone: Phone, act: Callable[[Phone], Any], msgtype: str, own_fields: set[str]
) -> None:
    sent = act(phone)
    [message] = receiver.messages
    assert (message["MsgType"], message["MsgId"]) == (msgtype, sent.msg_id)
    assert own_fields <= message.keys()
    assert message.get("MediaId") == sent.media_id


def test_opening_the_app_is_an_event_without_a_msg_id(receiver: Receiver, phone: Phone) -> None:
    phone.enters()
    assert (receiver.messages[0]["Event"], receiver.messages[0]["EventKey"]) == ("enter_agent", None)
    assert "MsgId" not in receiver.messages[0]


def test_a_repeat_is_the_same_message_in_a_new_envelope(receiver: Receiver, phone: Phone) -> None:
    sent = phone.says("早").repeat()
    assert receiver.messages[0] == receiver.messages[1]
    assert receiver.queries[0]["nonce"] != receiver.queries[1]["nonce"]
    assert sent.statuses == [200, 200]


def test_msg_ids_are_unique_and_too_large_for_a_float(phone: Phone) -> None:
    first, second = int(phone.says("早").msg_id or 0), int(phone.says("早").msg_id or 0)
    assert second == first + 1
    assert 2**53 < first < 2**63


def test_a_rejected_callback_is_posted_four_times(cloud: Cloud, receiver: Receiver, phone: Phone) -> None:
    receiver.statuses = [500, 503, 500, 500, 200]
    assert phone.says("早").statuses == [500, 503, 500, 500]
    assert "not accepted" in cloud.violations[0].description


def test_an_accepted_retry_is_the_last(cloud: Cloud, receiver: Receiver, phone: Phone) -> None:
    receiver.statuses = [500]
    assert phone.says("早").statuses == [500, 200]
    assert cloud.violations == []


def test_retries_can_be_switched_off(cloud: Cloud, receiver: Receiver, phone: Phone) -> None:
    cloud.callback_sender.retries = 0
    receiver.statuses = [403]
    assert phone.says("早").statuses == [403]


@pytest.mark.parametrize("cdata", [True, False])
@pytest.mark.parametrize("odd_whitespace", [True, False])
def test_the_style_of_the_xml_does_not_change_the_content(
    cloud: Cloud, receiver: Receiver, phone: Phone, cdata: bool, odd_whitespace: bool
) -> None:
    style = cloud.callback_sender.xml_style
    style.cdata, style.odd_whitespace, style.extra_elements = cdata, odd_whitespace, True
    sent = phone.says("a < b & c ]]> d")
    assert receiver.messages[0]["Content"] == "a < b & c ]]> d"
    assert "FutureElement" in receiver.messages[0]
    assert ("CDATA" in sent.xml, "\n" in sent.xml) == (cdata, odd_whitespace)


def test_raw_fields_replace_and_remove_the_usual_ones(receiver: Receiver, phone: Phone) -> None:
    phone.sends_raw({"MsgType": "hologram", "MsgId": None, "Shape": {"Sides": 6}})
    assert (receiver.messages[0]["MsgType"], "MsgId" in receiver.messages[0]) == ("hologram", False)
    assert "Shape" in receiver.messages[0]


def test_any_plain_text_can_be_posted(cloud: Cloud, phone: Phone) -> None:
    bodies: list[bytes] = []
    cloud.callback_sender.transport = lambda _query, body: bodies.append(body) or 200
    phone.sends_xml("<xml><broken>")
    ciphertext = fromstring(bodies[0]).findtext("Encrypt") or ""
    assert crypto.decrypt(cloud.app.encoding_aes_key, ciphertext)[0] == b"<xml><broken>"


def test_only_members_have_a_phone(cloud: Cloud) -> None:
    with pytest.raises(KeyError):
        cloud.phone("nobody")


@contextmanager
def served(cloud: Cloud, view: Callable[[], Any]) -> Iterator[None]:
    """A bot served over HTTP."""
    app = Flask("bot")
    app.add_url_rule("/callbacks/wecom_app", view_func=view, methods=["GET", "POST"], endpoint="callback")
    server = HttpServer(app)
    cloud.callback_sender.transport = None
    cloud.configure(callback_url=server.url + "/callbacks/wecom_app")
    try:
        yield
    finally:
        server.close()


def test_callbacks_are_posted_over_http(cloud: Cloud, phone: Phone) -> None:
    bodies: list[bytes] = []
    with served(cloud, lambda: bodies.append(request.get_data()) or ""):
        assert phone.says("早").statuses == [200]
    assert fromstring(bodies[0]).findtext("AgentID") == str(cloud.app.agent_id)


def test_a_response_with_a_body_is_a_violation(cloud: Cloud, phone: Phone) -> None:
    with served(cloud, lambda: "thank you"):
        phone.says("早")
    assert "neither empty nor" in cloud.violations[0].description


def test_a_timeout_and_a_refused_connection_count_as_no_response(cloud: Cloud, phone: Phone) -> None:
    release = threading.Event()
    cloud.callback_sender.retries, cloud.callback_sender.timeout_seconds = 1, 0.05
    with served(cloud, lambda: str(release.wait(10))):
        assert phone.says("早").statuses == [0, 0]
        release.set()
    assert phone.says("早").statuses == [0, 0]


def test_the_console_accepts_a_url_that_echoes_exactly(cloud: Cloud) -> None:
    def echo(query: str) -> bytes:
        return crypto.decrypt(cloud.app.encoding_aes_key, parse_qs(query)["echostr"][0])[0]

    assert cloud.verify_url(lambda query: (200, echo(query)))
    assert not cloud.verify_url(lambda query: (200, echo(query) + b"\n"))
    assert not cloud.verify_url(lambda query: (200, b'"' + echo(query) + b'"'))
    assert not cloud.verify_url(lambda query: (403, echo(query)))


def test_the_console_verifies_the_url_over_http(cloud: Cloud) -> None:
    def echo() -> Response:
        return Response(crypto.decrypt(cloud.app.encoding_aes_key, request.args["echostr"])[0])

    with served(cloud, echo):
        assert cloud.verify_url()
    assert not cloud.verify_url()


def test_a_reset_deletes_messages_and_keeps_the_members(cloud: Cloud, api: Any) -> None:
    api.say("早", to="zhangsan|nobody")
    cloud.reset()
    assert (cloud.phone("zhangsan").received, cloud.violations, cloud.deliveries) == ([], [], [])
    assert list(cloud.members) == ["zhangsan", "lisi", "WangLing"]
