"""Template cards: checks, display, button presses and updates."""

from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from bot.devtools.simulator import Cloud


def button(n: int, **changes: Any) -> dict[str, Any]:
    return {"text": f"按钮{n}", "key": f"k{n}"} | changes


def test_a_card_is_shown_with_its_buttons(api: Any, cloud: Cloud, new_card: Any) -> None:
    answer = api.send(new_card(), "template_card")
    assert answer["response_code"]
    [card] = cloud.phone("zhangsan").cards
    assert (card.title, card.buttons) == ("未报", {"ack": "已知悉", "pass": "转交"})
    assert cloud.violations == []


def test_a_phone_without_cards_shows_none(api: Any, cloud: Cloud, new_card: Any) -> None:
    assert api.send(new_card(), "template_card", to="lisi|zhangsan")["errcode"] == 0
    assert cloud.phone("lisi").received == []
    assert [delivery.state for delivery in cloud.deliveries] == ["unseen", "shown"]


@pytest.mark.parametrize(
    "changes",
    [
        {"card_type": "postcard"},
        {"task_id": None},
        {"task_id": "a b"},
        {"task_id": "a" * 129},
        {"task_id": 5},
        {"main_title": {"title": ""}},
        {"main_title": None},
        {"button_list": []},
        {"button_list": [button(n) for n in range(7)]},
        {"button_list": [button(1), button(1)]},
        {"button_list": [button(1, text="一二三四五六七八九十十一")]},
        {"button_list": [button(1, key="k" * 1025)]},
        {"button_list": [button(1, key="")]},
        {"button_list": [button(1, type=1)]},
        {"button_list": [button(1, style=5)]},
        {"horizontal_content_list": [{"keyname": "企业"}] * 7},
        {"horizontal_content_list": [{"value": "甲"}]},
    ],
)
def test_an_invalid_card_is_rejected(api: Any, cloud: Cloud, new_card: Any, changes: Any) -> None:
    assert api.send(new_card(**changes), "template_card")["errcode"] == 40058
    assert cloud.phone("zhangsan").received == []


def test_a_task_id_is_unique_within_the_app(api: Any, new_card: Any) -> None:
    assert api.send(new_card(), "template_card")["errcode"] == 0
    assert api.send(new_card(), "template_card", to="WangLing")["errcode"] == 40058


def test_the_same_card_again_is_dropped_by_the_duplicate_check(api: Any, cloud: Cloud, new_card: Any) -> None:
    for _ in range(2):
        assert api.send(new_card(), "template_card", enable_duplicate_check=1)["errcode"] == 0
    assert len(cloud.phone("zhangsan").cards) == 1


def test_a_title_that_is_too_long_is_recorded_as_a_violation(api: Any, cloud: Cloud, new_card: Any) -> None:
    assert api.send(new_card(main_title={"title": "题" * 37}), "template_card")["errcode"] == 0
    assert "title over 36 characters is truncated" in cloud.violations[0].description


def test_a_text_notice_needs_an_action(api: Any, new_card: Any) -> None:
    notice = new_card(card_type="text_notice")
    assert api.send(notice, "template_card")["errcode"] == 40058
    notice["card_action"] = {"type": 1, "url": "https://example.invalid/"}
    assert api.send(notice, "template_card")["errcode"] == 0


def test_pressing_a_button_posts_an_event_with_a_code_that_updates_the_card(
    api: Any, cloud: Cloud, new_card: Any
) -> None:
    api.send(new_card(), "template_card", to="zhangsan|WangLing")
    sent = cloud.phone("zhangsan").presses("alert-1", "ack")
    event = {element.tag: element.text for element in fromstring(sent.xml)}
    assert event["Event"] == "template_card_event"
    assert (event["TaskId"], event["EventKey"], event["CardType"]) == ("alert-1", "ack", "button_interaction")
    assert "MsgId" not in event
    assert api.update(atall=1, response_code=event["ResponseCode"], button={"replace_name": "张三已知悉"}) == {
        "errcode": 0,
        "errmsg": "ok",
    }
    assert [cloud.phone(who).cards[0].replacement_text for who in ("zhangsan", "WangLing")] == ["张三已知悉"] * 2


def test_a_replaced_button_cannot_be_pressed(api: Any, cloud: Cloud, new_card: Any) -> None:
    code = api.send(new_card(), "template_card")["response_code"]
    api.update(userids=["zhangsan"], response_code=code, button={"replace_name": "完成"})
    with pytest.raises(ValueError, match="no button"):
        cloud.phone("zhangsan").presses("alert-1", "ack")


def test_a_card_that_was_not_shown_cannot_be_pressed(api: Any, cloud: Cloud, new_card: Any) -> None:
    api.send(new_card(), "template_card")
    with pytest.raises(ValueError, match="shown no card"):
        cloud.phone("WangLing").presses("alert-1", "ack")


def test_only_the_given_members_see_the_update(api: Any, cloud: Cloud, new_card: Any) -> None:
    code = api.send(new_card(), "template_card", to="zhangsan|WangLing")["response_code"]
    api.update(userids=["zhangsan"], response_code=code, button={"replace_name": "完成"})
    assert cloud.phone("zhangsan").cards[0].replacement_text == "完成"
    assert cloud.phone("WangLing").cards[0].replacement_text is None


def test_a_full_card_replaces_the_old_one(api: Any, cloud: Cloud, new_card: Any) -> None:
    code = api.send(new_card(), "template_card")["response_code"]
    fresh = new_card(main_title={"title": "已处理"})
    assert api.update(userids=["zhangsan"], response_code=code, template_card=fresh)["errcode"] == 0
    assert cloud.phone("zhangsan").cards[0].title == "已处理"


def test_a_response_code_works_once(api: Any, cloud: Cloud, new_card: Any) -> None:
    code = api.send(new_card(), "template_card")["response_code"]
    update = {"userids": ["zhangsan"], "response_code": code, "button": {"replace_name": "完成"}}
    assert [api.update(**update)["errcode"] for _ in range(2)] == [0, 40058]
    assert "already used" in cloud.violations[-1].description


def test_a_response_code_expires_after_72_hours(api: Any, clock: Any, new_card: Any) -> None:
    code = api.send(new_card(), "template_card")["response_code"]
    clock.advance(72 * 3600)
    answer = api.update(userids=["zhangsan"], response_code=code, button={"replace_name": "完成"})
    assert "expired" in answer["errmsg"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"response_code": "invented"}, 40058),
        ({"response_code": ""}, 40058),
        ({"userids": []}, 81012),
        ({"agentid": 7}, 301002),
        ({"button": {"replace_name": ""}}, 40058),
        ({"button": None}, 40058),
    ],
)
def test_an_invalid_update_is_rejected(api: Any, new_card: Any, changes: Any, errcode: int) -> None:
    code = api.send(new_card(), "template_card")["response_code"]
    update = {"userids": ["zhangsan"], "response_code": code, "button": {"replace_name": "完成"}}
    assert api.update(**(update | changes))["errcode"] == errcode
    assert api.update(**update)["errcode"] == 0, "a rejected update does not use up the code"
