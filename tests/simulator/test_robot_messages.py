"""Group robots."""

import base64
import hashlib
from typing import Any

import pytest

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core.phone import JPEG

ARTICLE = {"title": "标题", "url": "https://example.invalid/"}


def picture(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode(), "md5": hashlib.md5(data).hexdigest()}


def test_a_text_is_shown_in_the_group(api: Any, cloud: Cloud) -> None:
    text = {"content": "催报", "mentioned_list": ["zhangsan"], "mentioned_mobile_list": ["13800000002"]}
    assert api.post_in_group(text) == {"errcode": 0, "errmsg": "ok"}
    [message] = cloud.group("KEY").received
    assert (message.text, message.mentioned_list, message.mentioned_mobile_list) == (
        "催报",
        ("zhangsan",),
        ("13800000002",),
    )
    assert (cloud.group("KEY").name, cloud.violations) == ("夜巡群", [])


def test_a_mention_of_a_person_outside_the_group_is_a_violation(api: Any, cloud: Cloud) -> None:
    text = {"content": "催报", "mentioned_list": ["@all", "WangLing"], "mentioned_mobile_list": ["139"]}
    assert api.post_in_group(text)["errcode"] == 0
    assert "WangLing, 139" in cloud.violations[0].description


def test_the_21st_message_of_a_minute_is_lost(api: Any, cloud: Cloud, clock: Any) -> None:
    answers = [api.post_in_group({"content": f"第{n}条"})["errcode"] for n in range(21)]
    assert answers == [0] * 20 + [45009]
    assert len(cloud.group("KEY").received) == 20
    assert cloud.deliveries[-1].state == "lost"
    assert [violation.errcode for violation in cloud.violations] == [45009]
    clock.advance(60)
    assert api.post_in_group({"content": "又来"})["errcode"] == 0


def test_the_rate_limit_has_a_sliding_window(api: Any, clock: Any) -> None:
    for _ in range(20):
        assert api.post_in_group({"content": "早"})["errcode"] == 0
        clock.advance(2.9)
    assert api.post_in_group({"content": "多"})["errcode"] == 45009


def test_each_robot_has_its_own_rate_limit(api: Any, cloud: Cloud) -> None:
    cloud.add_robot("OTHER")
    for _ in range(20):
        api.post_in_group({"content": "早"})
    assert api.post_in_group({"content": "早"}, key="OTHER")["errcode"] == 0


@pytest.mark.parametrize("key", ["", "wrong"])
def test_an_unknown_key_is_rejected(api: Any, key: str) -> None:
    assert api.post_in_group({"content": "早"}, key=key)["errcode"] == 93000


def test_a_removed_robot_is_rejected(api: Any, cloud: Cloud) -> None:
    cloud.remove_robot("KEY")
    assert api.post_in_group({"content": "早"})["errcode"] == 93000


@pytest.mark.parametrize(
    ("msgtype", "content", "errcode"),
    [
        ("video", {"media_id": "x"}, 40008),
        ("text", "早", 40058),
        ("text", {"content": ""}, 44004),
        ("text", {"content": "夜" * 683}, 45002),
        ("text", {"content": "早", "mentioned_list": "zhangsan"}, 40058),
        ("markdown", {"content": "m" * 4097}, 40058),
        ("markdown_v2", {"content": "m" * 4097}, 40058),
        ("news", {"articles": [ARTICLE] * 9}, 45008),
        ("news", {"articles": [{"title": "标题"}]}, 40058),
        ("file", {"media_id": "x"}, 40007),
        ("image", picture(JPEG) | {"md5": "0" * 32}, 301019),
        ("image", picture(b"GIF89a"), 40005),
        ("image", picture(JPEG + bytes(2 * 1024 * 1024)), 40009),
        ("image", {"base64": "?", "md5": ""}, 40058),
        ("template_card", {"card_type": "button_interaction"}, 40058),
    ],
)
def test_invalid_messages_are_rejected(api: Any, cloud: Cloud, msgtype: str, content: Any, errcode: int) -> None:
    assert api.post_in_group(content, msgtype)["errcode"] == errcode
    assert cloud.group("KEY").received == []


@pytest.mark.parametrize(
    ("msgtype", "content", "text"),
    [
        ("markdown", {"content": "m" * 4096}, "m" * 4096),
        ("markdown_v2", {"content": "# 早"}, "# 早"),
        ("news", {"articles": [ARTICLE]}, "标题\nhttps://example.invalid/"),
        ("image", picture(JPEG), ""),
    ],
)
def test_other_message_types_are_shown(api: Any, cloud: Cloud, msgtype: str, content: Any, text: str) -> None:
    assert api.post_in_group(content, msgtype)["errcode"] == 0
    assert cloud.group("KEY").texts == [text]


def test_a_file_works_only_with_the_robot_that_uploaded_it(api: Any, cloud: Cloud, clock: Any) -> None:
    cloud.add_robot("OTHER")
    media_id = api.upload(b"something", name="日报.xlsx", key="KEY")["media_id"]
    assert api.post_in_group({"media_id": media_id}, "file", "OTHER")["errcode"] == 40007
    assert api.post_in_group({"media_id": media_id}, "file")["errcode"] == 0
    assert cloud.group("KEY").texts == ["日报.xlsx"]
    assert api.send({"media_id": media_id}, "file")["errcode"] == 40007
    clock.advance(3 * 24 * 3600)
    assert api.post_in_group({"media_id": media_id}, "file")["errcode"] == 40007


def test_uploads_with_an_unknown_key_are_rejected(api: Any) -> None:
    assert api.upload(b"something", key="wrong")["errcode"] == 93000
