"""message/send: checks, delivery, the duplicate check and rate limits."""

from typing import Any

import pytest

from bot.devtools.simulator import Cloud

TEXTCARD = {"title": "标题", "description": "说明", "url": "https://example.invalid/"}
ARTICLE = {"title": "标题", "url": "https://example.invalid/"}


def test_a_text_is_shown_on_the_phone(api: Any, cloud: Cloud) -> None:
    answer = api.say("收到，回执 1124-0001")
    assert answer["errcode"] == 0
    assert answer["msgid"]
    [message] = cloud.phone("zhangsan").received
    assert (message.msgtype, message.text, message.at) == ("text", "收到，回执 1124-0001", cloud.now())
    assert cloud.phone("lisi").received == []
    assert cloud.violations == []


def test_a_text_over_2048_bytes_is_truncated_and_recorded_as_a_violation(api: Any, cloud: Cloud) -> None:
    assert api.say("夜" * 700)["errcode"] == 0
    assert cloud.phone("zhangsan").texts == ["夜" * 682]
    assert "2100 bytes truncated" in cloud.violations[0].description


def test_a_text_of_2048_bytes_is_allowed(api: Any, cloud: Cloud) -> None:
    api.say("a" * 2048)
    assert cloud.violations == []


def test_unknown_members_are_returned_in_lower_case(api: Any, cloud: Cloud) -> None:
    answer = api.say("早", to="ZHANGSAN|Nobody|wangling|Else")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody|else")
    assert cloud.phone("zhangsan").texts == cloud.phone("WangLing").texts == ["早"]
    assert "invaliduser" in cloud.violations[0].description


def test_a_message_to_all_is_delivered_to_every_member(api: Any, cloud: Cloud) -> None:
    api.say("早", to="@all")
    assert [delivery.to for delivery in cloud.deliveries] == ["zhangsan", "lisi", "WangLing"]


@pytest.mark.parametrize(
    ("to", "errcode"),
    [("nobody", 81013), ("", 81012), ("|".join(f"u{n}" for n in range(1001)), 82001), (["zhangsan"], 40058)],
)
def test_invalid_recipients_are_rejected(api: Any, to: Any, errcode: int) -> None:
    assert api.say("早", to=to)["errcode"] == errcode


@pytest.mark.parametrize(("agent_id", "errcode"), [(None, 41011), ("1000002", 40056), (True, 40056), (7, 301002)])
def test_the_agent_id_must_be_the_number_of_this_app(api: Any, agent_id: Any, errcode: int) -> None:
    assert api.say("早", agentid=agent_id)["errcode"] == errcode


@pytest.mark.parametrize(
    ("msgtype", "content", "errcode"),
    [
        ("carrier_pigeon", {"content": "早"}, 40008),
        ("text", None, 40058),
        ("text", {"content": ""}, 44004),
        ("text", {}, 44004),
        ("markdown", {"content": "m" * 2049}, 40058),
        ("textcard", TEXTCARD | {"title": "题" * 43}, 45002),
        ("textcard", TEXTCARD | {"description": "题" * 171}, 45002),
        ("textcard", TEXTCARD | {"url": ""}, 40058),
        ("textcard", TEXTCARD | {"url": "see below"}, 40058),
        ("textcard", TEXTCARD | {"url": "https://example.invalid/" + "u" * 2048}, 40058),
        ("textcard", TEXTCARD | {"btntxt": "五个字太长"}, 40058),
        ("news", {"articles": []}, 40058),
        ("news", {"articles": [ARTICLE] * 9}, 45008),
        ("news", {"articles": [ARTICLE | {"title": "题" * 43}]}, 45002),
        ("file", {"media_id": "invented"}, 40007),
        ("video", {}, 41006),
        ("video", {"media_id": "invented", "title": "题" * 43}, 45002),
    ],
)
def test_invalid_messages_are_rejected(api: Any, cloud: Cloud, msgtype: str, content: Any, errcode: int) -> None:
    assert api.send(content, msgtype)["errcode"] == errcode
    assert [violation.errcode for violation in cloud.violations] == [errcode]
    assert cloud.phone("zhangsan").received == []


@pytest.mark.parametrize(
    ("msgtype", "content", "text"),
    [
        ("markdown", {"content": "**早**"}, "**早**"),
        ("textcard", TEXTCARD, "标题\n说明\nhttps://example.invalid/"),
        ("news", {"articles": [ARTICLE]}, "标题\nhttps://example.invalid/"),
    ],
)
def test_other_message_types_are_shown(api: Any, cloud: Cloud, msgtype: str, content: Any, text: str) -> None:
    assert api.send(content, msgtype)["errcode"] == 0
    assert cloud.phone("zhangsan").texts == [text]


def test_an_uploaded_file_is_shown_with_its_name(api: Any, cloud: Cloud) -> None:
    media_id = api.upload(b"something", name="daily.xlsx")["media_id"]
    assert api.send({"media_id": media_id}, "file")["errcode"] == 0
    assert cloud.phone("zhangsan").received[0].media_id == media_id
    assert cloud.phone("zhangsan").texts == ["daily.xlsx"]


def test_a_duplicate_is_dropped_within_its_interval_only(api: Any, cloud: Cloud, clock: Any) -> None:
    for seconds in (0, 1799, 1):
        clock.advance(seconds)
        assert api.say("早", enable_duplicate_check=1)["errcode"] == 0
    assert cloud.phone("zhangsan").texts == ["早", "早"]
    assert [delivery.state for delivery in cloud.deliveries] == ["shown", "duplicate", "shown"]
    assert len(cloud.violations) == 1


def test_without_the_duplicate_check_a_repeat_is_shown_twice(api: Any, cloud: Cloud) -> None:
    api.say("早")
    api.say("早")
    assert cloud.phone("zhangsan").texts == ["早", "早"]


@pytest.mark.parametrize("interval", [0, 14401, "1800"])
def test_a_duplicate_interval_out_of_range_is_rejected(api: Any, interval: Any) -> None:
    answer = api.say("早", enable_duplicate_check=1, duplicate_check_interval=interval)
    assert answer["errcode"] == 40058


def test_the_31st_message_of_a_minute_is_silently_dropped(api: Any, cloud: Cloud, clock: Any) -> None:
    answers = [api.say(f"第{n}条")["errcode"] for n in range(31)]
    assert answers == [0] * 31
    assert len(cloud.phone("zhangsan").received) == 30
    assert "dropped" in cloud.violations[0].description
    clock.advance(60)
    api.say("又来")
    assert cloud.phone("zhangsan").texts[-1] == "又来"


def test_a_body_that_is_not_json_is_rejected(api: Any) -> None:
    token = api.token()["access_token"]
    answer = api.session.post(f"{api.root}message/send?access_token={token}", data=b"{", timeout=10)
    assert answer.json()["errcode"] == 40058
