"""WeChat customer service: notifications, the list with a cursor, and five replies in 48 hours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.kf_phone import KfPhone

MB, HOUR = 1024 * 1024, 3600


class Client:
    """The calls of a bot to customer service."""

    def __init__(self, cloud: Cloud, api: Any) -> None:
        self.cloud, self.api = cloud, api
        cloud.kf.callback_sender.transport = lambda _query, _body: 200

    def token(self) -> str:
        return self.api.token(corpsecret=self.cloud.kf.account.secret)["access_token"]

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        usual = {"open_kfid": self.cloud.kf.account.open_kfid}
        return self.api.post(f"kf/{path}", usual | body, access_token=self.token())

    def sync(self, cursor: str = "", **more: Any) -> dict[str, Any]:
        return self.call("sync_msg", cursor=cursor, **more)

    def send(self, content: str = "好", **more: Any) -> dict[str, Any]:
        text = {"msgtype": "text", "text": {"content": content}}
        return self.call("send_msg", **({"touser": "wm1"} | text | more))


@pytest.fixture
def zhao(cloud: Cloud) -> KfPhone:
    return cloud.add_customer("wm1", "赵师傅")


@pytest.fixture
def client(cloud: Cloud, api: Any, zhao: KfPhone) -> Client:
    return Client(cloud, api)


def texts(answer: dict[str, Any]) -> list[str]:
    return [each["text"]["content"] for each in answer["msg_list"]]


def test_a_notification_carries_no_content(cloud: Cloud, client: Client, zhao: KfPhone) -> None:
    posted: list[bytes] = []
    cloud.kf.callback_sender.transport = lambda _query, body: posted.append(body) or 200
    assert zhao.says("你好").statuses == [200]
    ciphertext = fromstring(posted[0]).findtext("Encrypt") or ""
    plain = crypto.decrypt(cloud.kf.account.encoding_aes_key, ciphertext)[0].decode()
    assert ("kf_msg_or_event" in plain, "OpenKfId" in plain, "你好" in plain) == (True, True, False)


def test_messages_after_the_cursor_are_returned_once(client: Client, zhao: KfPhone) -> None:
    for text in ("一", "二", "三"):
        zhao.says(text)
    first = client.sync(limit=2)
    second = client.sync(first["next_cursor"])
    assert (texts(first), first["has_more"], texts(second), second["has_more"]) == (["一", "二"], 1, ["三"], 0)
    assert client.sync(second["next_cursor"])["msg_list"] == []
    [message] = second["msg_list"]
    assert (message["external_userid"], message["origin"], len(message["msgid"]) <= 32) == ("wm1", 3, True)


def test_a_page_may_be_empty_although_more_follow(cloud: Cloud, client: Client, zhao: KfPhone) -> None:
    zhao.says("一")
    cloud.kf.empty_pages = 1
    empty = client.sync()
    assert (empty["msg_list"], empty["has_more"]) == ([], 1)
    assert texts(client.sync(empty["next_cursor"])) == ["一"]


def test_only_messages_of_three_days_are_listed(client: Client, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    clock.advance(2 * 24 * HOUR)
    zhao.says("二")
    clock.advance(24 * HOUR)
    assert texts(client.sync()) == ["二"]


def test_a_sync_token_expires_after_ten_minutes(cloud: Cloud, client: Client, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    [token] = cloud.kf.sync_tokens
    assert client.sync(token=token)["errcode"] == 0
    clock.advance(600)
    assert client.sync(token=token)["errcode"] == 95007
    assert client.sync(token="invented")["errcode"] == 95007


def test_without_a_token_ten_calls_a_minute_are_allowed(
    cloud: Cloud, client: Client, zhao: KfPhone, clock: Any
) -> None:
    assert [client.sync()["errcode"] for _ in range(11)] == [0] * 10 + [45009]
    clock.advance(30)
    assert client.sync()["errcode"] == 45009
    clock.advance(31)
    assert client.sync()["errcode"] == 0
    assert [each.errcode for each in cloud.violations] == [45009, 45009]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"limit": 1001}, 40058),
        ({"limit": 0}, 40058),
        ({"cursor": "invented"}, 40058),
        ({"cursor": 7}, 40058),
        ({"open_kfid": "another"}, 95000),
    ],
)
def test_an_invalid_sync_request_is_rejected(client: Client, body: dict[str, Any], errcode: int) -> None:
    assert client.call("sync_msg", **body)["errcode"] == errcode


def test_each_secret_opens_its_own_apis_and_both_open_media(
    cloud: Cloud, api: Any, client: Client, zhao: KfPhone
) -> None:
    app, kf = api.token()["access_token"], client.token()
    assert app != kf
    assert api.post("kf/sync_msg", {}, access_token=app)["errcode"] == 48002
    assert api.post("message/send", {}, access_token=kf)["errcode"] == 48002
    media_id = zhao.sends_film(b"a film of bytes").media_id
    for token in (app, kf):
        assert api.get("media/get", access_token=token, media_id=media_id).content == b"a film of bytes"


@pytest.mark.parametrize(
    ("method", "kind", "limit"),
    [
        ("sends_photo", "image", 2 * MB),
        ("sends_voice", "voice", 2 * MB),
        ("sends_film", "video", 10 * MB),
        ("sends_file", "file", 20 * MB),
    ],
)
def test_media_that_are_too_large_are_replaced_by_a_text(
    client: Client, zhao: KfPhone, method: str, kind: str, limit: int
) -> None:
    getattr(zhao, method)(bytes(limit))
    getattr(zhao, method)(bytes(limit + 1))
    whole, notice = client.sync()["msg_list"]
    assert (whole["msgtype"], notice["msgtype"], "超过大小限制" in notice["text"]["content"]) == (kind, "text", True)


def test_no_message_is_allowed_before_the_customer_writes(client: Client) -> None:
    assert client.send()["errcode"] == 95001


def test_five_replies_are_allowed_until_the_next_message(client: Client, zhao: KfPhone) -> None:
    zhao.says("一")
    assert [client.send(f"{number}")["errcode"] for number in range(6)] == [0] * 5 + [95001]
    zhao.says("二")
    assert (client.send("再")["errcode"], zhao.texts[-1], len(zhao.texts)) == (0, "再", 6)


def test_after_48_hours_no_reply_is_allowed(client: Client, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    clock.advance(48 * HOUR - 1)
    assert client.send()["errcode"] == 0
    clock.advance(1)
    assert client.send()["errcode"] == 95001


def test_a_repeated_msgid_is_shown_once(client: Client, zhao: KfPhone) -> None:
    zhao.says("一")
    assert [client.send(msgid="np-1")["errcode"] for _ in range(2)] == [0, 0]
    assert (zhao.texts, client.send(msgid="x" * 33)["errcode"], client.send(msgid="中")["errcode"]) == (
        ["好"],
        40058,
        40058,
    )


@pytest.mark.parametrize(("state", "errcode"), [("servicer", 95018), ("ended", 95013)])
def test_a_reply_to_a_closed_session_is_rejected(client: Client, zhao: KfPhone, state: str, errcode: int) -> None:
    zhao.says("一")
    zhao.customer.session_state = state
    assert client.send()["errcode"] == errcode


@pytest.mark.parametrize(
    ("message", "errcode"),
    [
        ({"text": {"content": ""}}, 44004),
        ({"text": {"content": "字" * 683}}, 45002),
        ({"msgtype": "poem"}, 40008),
        ({"msgtype": "file", "file": {"media_id": "invented"}}, 40007),
        ({"touser": "nobody"}, 40096),
        ({"msgtype": "msgmenu", "msgmenu": {"list": []}}, 40058),
        ({"open_kfid": "another"}, 95000),
    ],
)
def test_an_invalid_message_is_rejected(client: Client, zhao: KfPhone, message: dict[str, Any], errcode: int) -> None:
    zhao.says("一")
    assert client.send(**message)["errcode"] == errcode


def test_a_menu_item_can_be_tapped(client: Client, zhao: KfPhone) -> None:
    zhao.says("一")
    items = [{"type": "click", "click": {"id": str(number), "content": f"部位{number}"}} for number in (1, 2)]
    client.send(msgtype="msgmenu", msgmenu={"head_content": "哪里？", "list": items, "tail_content": "请点"})
    assert zhao.texts == ["哪里？\n部位1\n部位2\n请点"]
    zhao.taps("部位2")
    assert client.sync()["msg_list"][-1]["text"] == {"content": "部位2", "menu_id": "2"}


def test_a_message_to_a_customer_who_blocks_messages_succeeds_and_an_event_follows(
    client: Client, zhao: KfPhone
) -> None:
    zhao.says("一")
    zhao.customer.blocks_messages = True
    msgid = client.send()["msgid"]
    event = client.sync()["msg_list"][-1]["event"]
    assert (event["event_type"], event["fail_msgid"], event["fail_type"], zhao.texts) == (
        "msg_send_fail",
        msgid,
        10,
        [],
    )


def test_a_welcome_code_works_once_and_for_twenty_seconds(client: Client, zhao: KfPhone, clock: Any) -> None:
    zhao.enters(scene_param="12345678")
    event = client.sync()["msg_list"][-1]["event"]
    welcome = {"code": event["welcome_code"], "msgtype": "text", "text": {"content": "您好"}}
    assert (event["event_type"], event["scene_param"]) == ("enter_session", "12345678")
    assert [client.call("send_msg_on_event", **welcome)["errcode"] for _ in range(2)] == [0, 40058]
    assert zhao.texts == ["您好"]
    zhao.enters()
    assert "welcome_code" not in client.sync()["msg_list"][-1]["event"]
    clock.advance(48 * HOUR)
    zhao.enters()
    late = client.sync()["msg_list"][-1]["event"]["welcome_code"]
    clock.advance(21)
    assert client.call("send_msg_on_event", **{**welcome, "code": late})["errcode"] == 40058


def test_a_recall_event_contains_the_msgid(client: Client, zhao: KfPhone) -> None:
    sent = zhao.says("一")
    zhao.recalls(sent)
    assert client.sync()["msg_list"][-1]["event"]["recall_msgid"] == sent.msg_id


def test_a_link_opens_the_chat(client: Client) -> None:
    assert re.match(r"https://\S+\?enc_scene=bind$", client.call("add_contact_way", scene="bind")["url"])
    assert client.call("add_contact_way", scene="带中文")["errcode"] == 40058


def test_the_control_api_acts_for_a_customer(cloud: Cloud, client: Client, api: Any) -> None:
    def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return api.session.post(f"{cloud.url}/sim/{path}", json=body, timeout=10).json()

    call("kf/customers", {"external_userid": "wm2", "name": "钱师傅"})
    assert call("say", {"from": "wm2", "text": "你好"})["status"] == 200
    assert call("kf/enter", {"from": "wm2", "scene_param": "1"})["statuses"] == [200]
    assert call("kf/trouble", {"rings": False, "empty_pages": 1}) == {"rings": False, "empty_pages": 1}
    assert call("say", {"from": "wm2", "text": "再说"})["status"] is None
    client.send("到", touser="wm2")
    customer = api.session.get(f"{cloud.url}/sim/phones/wm2", timeout=10).json()
    assert (customer["name"], [each["text"] for each in customer["heard"]]) == ("钱师傅", ["到"])
    for path, body in (
        ("kf/tap", {"from": "wm2", "text": "?"}),
        ("kf/enter", {"from": "x"}),
        ("kf/account", {"x": "y"}),
    ):
        assert "error" in call(path, body)
    assert call("kf/account", {"secret": "s"})["WECOM_KF_SECRET"] == "s"
