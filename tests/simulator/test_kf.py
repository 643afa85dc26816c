"""Customer service: a bell, a list with a cursor, five answers in 48 hours (protocol sheet, section 9)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core.kf_phone import KfPhone

MB, HOUR = 1024 * 1024, 3600


class Desk:
    """What a bot does at the customer-service account, with plain requests."""

    def __init__(self, cloud: Cloud, api: Any) -> None:
        self.cloud, self.api = cloud, api
        self.bells: list[str] = []
        cloud.kf.callback_sender.transport = self.hear

    def hear(self, _query: str, _body: bytes) -> int:
        return 200

    def token(self) -> str:
        return self.api.token(corpsecret=self.cloud.kf.account.secret)["access_token"]

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        usual = {"open_kfid": self.cloud.kf.account.open_kfid}
        return self.api.post(f"kf/{path}", usual | body, access_token=self.token())

    def sync(self, cursor: str = "", **more: Any) -> dict[str, Any]:
        return self.call("sync_msg", cursor=cursor, **more)

    def tell(self, words: str = "好", **more: Any) -> dict[str, Any]:
        text = {"msgtype": "text", "text": {"content": words}}
        return self.call("send_msg", **({"touser": "wm1"} | text | more))


@pytest.fixture
def zhao(cloud: Cloud) -> KfPhone:
    return cloud.add_customer("wm1", "赵师傅")


@pytest.fixture
def desk(cloud: Cloud, api: Any, zhao: KfPhone) -> Desk:
    return Desk(cloud, api)


def words(answer: dict[str, Any]) -> list[str]:
    return [each["text"]["content"] for each in answer["msg_list"]]


def test_the_bell_says_nothing_but_that_there_is_something(cloud: Cloud, desk: Desk, zhao: KfPhone) -> None:
    rung: list[str] = []
    cloud.kf.callback_sender.transport = lambda _query, _body: 200
    write = cloud.kf.callback_sender.to_xml
    cloud.kf.callback_sender.to_xml = lambda fields: rung.append(str(fields)) or write(fields)  # type: ignore[method-assign]
    assert zhao.says("你好").statuses == [200]
    assert ("kf_msg_or_event" in rung[0], "OpenKfId" in rung[0], "你好" in rung[0]) == (True, True, False)


def test_messages_come_after_the_cursor_and_once(desk: Desk, zhao: KfPhone) -> None:
    for text in ("一", "二", "三"):
        zhao.says(text)
    first = desk.sync(limit=2)
    second = desk.sync(first["next_cursor"])
    assert (words(first), first["has_more"], words(second), second["has_more"]) == (["一", "二"], 1, ["三"], 0)
    assert desk.sync(second["next_cursor"])["msg_list"] == []
    [message] = second["msg_list"]
    assert (message["external_userid"], message["origin"], len(message["msgid"]) <= 32) == ("wm1", 3, True)


def test_a_list_may_be_empty_although_there_is_more(cloud: Cloud, desk: Desk, zhao: KfPhone) -> None:
    zhao.says("一")
    cloud.kf.empty_pages = 1
    empty = desk.sync()
    assert (empty["msg_list"], empty["has_more"]) == ([], 1)
    assert words(desk.sync(empty["next_cursor"])) == ["一"]


def test_only_three_days_are_listed(desk: Desk, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    clock.turn(2 * 24 * HOUR)
    zhao.says("二")
    clock.turn(24 * HOUR)
    assert words(desk.sync()) == ["二"]


def test_a_bells_token_lives_ten_minutes(cloud: Cloud, desk: Desk, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    [token] = cloud.kf.sync_tokens
    assert desk.sync(token=token)["errcode"] == 0
    clock.turn(600)
    assert desk.sync(token=token)["errcode"] == 95007
    assert desk.sync(token="invented")["errcode"] == 95007


def test_without_a_token_ten_calls_a_minute_are_answered(cloud: Cloud, desk: Desk, zhao: KfPhone, clock: Any) -> None:
    assert [desk.sync()["errcode"] for _ in range(11)] == [0] * 10 + [45009]
    clock.turn(30)
    assert desk.sync()["errcode"] == 45009
    clock.turn(31)
    assert desk.sync()["errcode"] == 0
    assert [each.errcode for each in cloud.violations] == [45009, 45009]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"limit": 1001}, 40058), ({"limit": 0}, 40058), ({"cursor": "invented"}, 40058), ({"cursor": 7}, 40058),
        ({"open_kfid": "another"}, 95000),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused(desk: Desk, body: dict[str, Any], errcode: int) -> None:
    assert desk.call("sync_msg", **body)["errcode"] == errcode


def test_each_secret_opens_its_own_apis_and_media_are_everybodys(
    cloud: Cloud, api: Any, desk: Desk, zhao: KfPhone
) -> None:
    app, kf = api.token()["access_token"], desk.token()
    assert app != kf
    assert api.post("kf/sync_msg", {}, access_token=app)["errcode"] == 48002
    assert api.post("message/send", {}, access_token=kf)["errcode"] == 48002
    media_id = zhao.sends_film(b"a film of bytes").media_id
    for token in (app, kf):
        assert api.get("media/get", access_token=token, media_id=media_id).content == b"a film of bytes"


@pytest.mark.parametrize(
    ("method", "kind", "largest"),
    [("sends_photo", "image", 2 * MB), ("sends_voice", "voice", 2 * MB), ("sends_film", "video", 10 * MB),
     ("sends_file", "file", 20 * MB)],
)  # fmt: skip
def test_what_is_too_large_comes_as_a_notice(desk: Desk, zhao: KfPhone, method: str, kind: str, largest: int) -> None:
    getattr(zhao, method)(bytes(largest))
    getattr(zhao, method)(bytes(largest + 1))
    whole, notice = desk.sync()["msg_list"]
    assert (whole["msgtype"], notice["msgtype"], "超过大小限制" in notice["text"]["content"]) == (kind, "text", True)


def test_nobody_is_told_anything_before_having_spoken(desk: Desk) -> None:
    assert desk.tell()["errcode"] == 95001


def test_five_answers_until_the_next_words(desk: Desk, zhao: KfPhone) -> None:
    zhao.says("一")
    assert [desk.tell(f"{number}")["errcode"] for number in range(6)] == [0] * 5 + [95001]
    zhao.says("二")
    assert (desk.tell("再")["errcode"], zhao.texts[-1], len(zhao.texts)) == (0, "再", 6)


def test_after_48_hours_nothing_is_delivered(desk: Desk, zhao: KfPhone, clock: Any) -> None:
    zhao.says("一")
    clock.turn(48 * HOUR - 1)
    assert desk.tell()["errcode"] == 0
    clock.turn(1)
    assert desk.tell()["errcode"] == 95001


def test_a_repeat_by_its_number_is_shown_once(desk: Desk, zhao: KfPhone) -> None:
    zhao.says("一")
    assert [desk.tell(msgid="np-1")["errcode"] for _ in range(2)] == [0, 0]
    assert (zhao.texts, desk.tell(msgid="x" * 33)["errcode"], desk.tell(msgid="中")["errcode"]) == (
        ["好"],
        40058,
        40058,
    )


@pytest.mark.parametrize(("state", "errcode"), [("servicer", 95018), ("ended", 95013)])
def test_a_session_in_other_hands_is_refused(desk: Desk, zhao: KfPhone, state: str, errcode: int) -> None:
    zhao.says("一")
    zhao.customer.session_state = state
    assert desk.tell()["errcode"] == errcode


@pytest.mark.parametrize(
    ("message", "errcode"),
    [
        ({"text": {"content": ""}}, 44004), ({"text": {"content": "字" * 683}}, 45002), ({"msgtype": "poem"}, 40008),
        ({"msgtype": "file", "file": {"media_id": "invented"}}, 40007), ({"touser": "nobody"}, 40096),
        ({"msgtype": "msgmenu", "msgmenu": {"list": []}}, 40058), ({"open_kfid": "another"}, 95000),
    ],
)  # fmt: skip
def test_a_wrong_message_is_refused(desk: Desk, zhao: KfPhone, message: dict[str, Any], errcode: int) -> None:
    zhao.says("一")
    assert desk.tell(**message)["errcode"] == errcode


def test_a_menu_can_be_tapped(desk: Desk, zhao: KfPhone) -> None:
    zhao.says("一")
    items = [{"type": "click", "click": {"id": str(number), "content": f"部位{number}"}} for number in (1, 2)]
    desk.tell(msgtype="msgmenu", msgmenu={"head_content": "哪里？", "list": items, "tail_content": "请点"})
    assert zhao.texts == ["哪里？\n部位1\n部位2\n请点"]
    zhao.taps("部位2")
    assert desk.sync()["msg_list"][-1]["text"] == {"content": "部位2", "menu_id": "2"}


def test_a_person_who_refuses_is_answered_with_success_and_an_event(desk: Desk, zhao: KfPhone) -> None:
    zhao.says("一")
    zhao.customer.blocks_messages = True
    msgid = desk.tell()["msgid"]
    event = desk.sync()["msg_list"][-1]["event"]
    assert (event["event_type"], event["fail_msgid"], event["fail_type"], zhao.texts) == (
        "msg_send_fail",
        msgid,
        10,
        [],
    )


def test_a_welcome_by_its_code_within_twenty_seconds_and_once(desk: Desk, zhao: KfPhone, clock: Any) -> None:
    zhao.enters(scene_param="12345678")
    event = desk.sync()["msg_list"][-1]["event"]
    welcome = {"code": event["welcome_code"], "msgtype": "text", "text": {"content": "您好"}}
    assert (event["event_type"], event["scene_param"]) == ("enter_session", "12345678")
    assert [desk.call("send_msg_on_event", **welcome)["errcode"] for _ in range(2)] == [0, 40058]
    assert zhao.texts == ["您好"]
    zhao.enters()
    assert "welcome_code" not in desk.sync()["msg_list"][-1]["event"]
    clock.turn(48 * HOUR)
    zhao.enters()
    late = desk.sync()["msg_list"][-1]["event"]["welcome_code"]
    clock.turn(21)
    assert desk.call("send_msg_on_event", **{**welcome, "code": late})["errcode"] == 40058


def test_a_recall_names_what_was_taken_back(desk: Desk, zhao: KfPhone) -> None:
    sent = zhao.says("一")
    zhao.recalls(sent)
    assert desk.sync()["msg_list"][-1]["event"]["recall_msgid"] == sent.msg_id


def test_a_link_opens_the_chat(desk: Desk) -> None:
    assert re.match(r"https://\S+\?enc_scene=bind$", desk.call("add_contact_way", scene="bind")["url"])
    assert desk.call("add_contact_way", scene="带中文")["errcode"] == 40058


def test_the_control_api_speaks_for_a_customer(cloud: Cloud, desk: Desk, api: Any) -> None:
    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return api.session.post(f"{cloud.url}/sim/{path}", json=body, timeout=10).json()

    ask("kf/customers", {"external_userid": "wm2", "name": "钱师傅"})
    assert ask("say", {"from": "wm2", "text": "你好"})["status"] == 200
    assert ask("kf/enter", {"from": "wm2", "scene_param": "1"})["statuses"] == [200]
    assert ask("kf/trouble", {"rings": False, "empty_pages": 1}) == {"rings": False, "empty_pages": 1}
    assert ask("say", {"from": "wm2", "text": "再说"})["status"] is None
    desk.tell("到", touser="wm2")
    found = api.session.get(f"{cloud.url}/sim/phones/wm2", timeout=10).json()
    assert (found["name"], [each["text"] for each in found["heard"]]) == ("钱师傅", ["到"])
    for path, body in (
        ("kf/tap", {"from": "wm2", "text": "?"}),
        ("kf/enter", {"from": "x"}),
        ("kf/account", {"x": "y"}),
    ):
        assert "error" in ask(path, body)
    assert ask("kf/account", {"secret": "s"})["WECOM_KF_SECRET"] == "s"
