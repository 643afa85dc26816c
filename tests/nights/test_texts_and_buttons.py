"""Texts, voice messages and buttons: everything is answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.db.models import Enterprise, KeyPart
from tests.harness import Story, at, mobile_of, row, story


def more_parts(night: Story, number: int) -> None:
    """The first enterprise has so many parts."""
    with night.office() as store:
        enterprise = row(store, Enterprise, code="E001")
        for each in range(3, number + 1):
            store.session.add(KeyPart(enterprise_id=enterprise.id, number=str(each), name=f"{each}号装置"))


def choose(night: Story, who: str, label: str) -> None:
    """Pick an option of the latest card's list and submit it."""
    card = night.cloud.phone(who).cards[-1]
    options: list[dict[str, Any]] = card.content["button_selection"]["option_list"]
    option = next(each["id"] for each in options if each["text"] == label)
    selected = {"SelectedItem": {"QuestionKey": "what", "OptionIds": {"OptionId": option}}}
    own: dict[str, Any] = {"EventKey": "select", "TaskId": card.task_id, "SelectedItems": selected}
    night.cloud.phone(who).sends_event("template_card_event", own)
    night.settle()


def test_more_parts_than_buttons_are_offered_as_a_list(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        more_parts(night, 8)
        night.time("00:10")
        night.film("p1")
        night.settle(6)
        night.hears("p1")
        choose(night, "p1", "8 8号装置")
        assert night.hears("p1")[0].splitlines()[1] == "甲化工 · 8 8号装置"


def test_more_parts_than_a_list_holds_are_asked_about_in_words(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        more_parts(night, 12)
        night.time("00:10")
        night.film("p1")
        night.settle(6)
        [text] = night.hears("p1")
        assert text.endswith("11 11号装置、12 12号装置")
        night.says("p1", "十二")
        assert night.hears("p1")[0].splitlines()[1] == "甲化工 · 12 12号装置"


def test_a_client_without_cards_is_asked_in_text(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.cloud.add_member("p1", shows_cards=False)
        night.film("p1")
        night.settle(6)
        [text] = night.hears("p1")
        assert text == "1124-0001（23:50）拍的是哪个部位？请回复编号或名称：\n1 罐区、2 装卸台"


def test_two_films_of_one_minute_are_told_apart_by_their_length(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.cloud.add_member("p1", shows_cards=False)
        night.time("00:10")
        night.film("p1", seconds=12)
        night.film("p1", seconds=25, at=night.clock.instant + timedelta(seconds=3))
        night.settle(6)
        [question] = night.hears("p1")
        assert question.startswith("1124-0001（00:10，长12秒）拍的是哪个部位？")
        night.says("p1", "1")
        night.settle(6)
        receipt, question = night.hears("p1")
        assert "1 罐区" in receipt
        assert question.startswith("1124-0002（00:10，长25秒）拍的是哪个部位？")


def test_an_answer_to_the_question_counts_however_late_it_comes(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.time("00:10")
        night.film("p1")
        night.settle(6)
        night.hears("p1")
        night.time("00:45")
        night.says("p1", "2")
        [receipt] = night.hears("p1")
        assert receipt.startswith("✅ 收到 1124-0001\n甲化工 · 2 装卸台")
        night.settle(6)


def test_a_film_found_unfit_keeps_its_word_and_leaves_the_next_film_its_own(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.time("00:10")
        night.film("p1", seconds=2, settle=False)
        night.says("p1", "1", settle=False, at=night.clock.instant + timedelta(seconds=5))
        night.film("p1", settle=False, at=night.clock.instant + timedelta(seconds=60))
        night.says("p1", "2", settle=False, at=night.clock.instant + timedelta(seconds=65))
        night.settle(70)
        unfit, receipt = sorted(night.hears("p1"))
        assert unfit.startswith("⚠️ 1124-0001")
        assert receipt.startswith("✅ 收到 1124-0002\n甲化工 · 2 装卸台")


def test_how_tonight_stands_is_told_to_a_patroller_and_to_the_office(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2) as night:
        night.time("00:10")
        night.says("p1", "1")
        night.film("p1")
        night.hears("p1")
        night.says("p1", "查询")
        assert night.hears("p1") == ["11-24 夜巡：\n甲化工：1/2。还差：2 装卸台"]
        night.says("staff", "今晚")
        assert night.hears("staff") == [
            "11-24 夜巡：应报2家，按时0，迟报0，部分未报0，未报0，停产免报0，待判2。\n还差2家：甲化工、乙化工\n"
            f"值班领导：李局 {mobile_of('李局')}\n接下来：01:37 群里催报"
        ]


def test_the_board_as_one_message_says_where_we_were_down_and_what_waits(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        night.cloud.add_member("stranger")
        night.time("00:10")
        night.film("stranger")
        night.hears("stranger")
        with night.office() as store:
            store.outages.add("processing", at("00:11"), at("00:15"), at("00:15"))
        night.clock.instant = at("00:20")
        night.says("leader", "今晚")
        said = night.hears("leader")[0].splitlines()
        assert said[-2:] == [
            "▨ 00:11–00:15 本系统只收不处理，回执和催报发晚了",
            "待处理视频：待认部位0段，未登记人员1段",
        ]
        night.hears("staff")


def test_a_patroller_of_no_enterprise_is_told_nothing_of_others(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        with night.office() as store:
            row(store, Enterprise, code="E001").status = "注销"
        night.says("p1", "今晚")
        assert night.hears("p1") == ["您的账号没有登记在任何一家企业名下，请联系值班人员。"]


@pytest.mark.parametrize("words", ["停产", "停产，检修三天", "复产", "换人 张三"])
def test_what_only_the_office_may_decide_is_passed_on_to_it(night: Story, words: str) -> None:
    night.says("h1", words)
    assert night.hears("h1") == ["已转给工作人员，请等对方核实。核实之前仍请按原要求报送。"]
    assert night.hears("staff") == [f"📋 甲化工负责人（甲化工）说：“{words}”\n请核实后在登记册里修改。"]


def test_what_cannot_be_understood_is_answered_with_how_it_works(night: Story) -> None:
    night.says("p1", "今天好冷")
    assert night.hears("p1")[0].startswith("直接发视频就行，每段10秒以上，一个部位一段。")
    night.cloud.add_member("unknown")
    night.cloud.phone("unknown").sends_voice()
    night.settle()
    assert night.hears("unknown")[0].startswith("语音已留存，但我听不懂语音。")
    night.cloud.phone("p1").sends_location(31.2, 121.4, "厂门口")
    night.settle()
    assert night.hears("p1")[0].startswith("这种消息我看不了")


def test_who_joins_is_welcomed_and_who_only_looks_in_is_left_alone(night: Story) -> None:
    night.cloud.add_member("unknown")
    for who in ("p1", "unknown"):
        night.cloud.phone(who).sends_event("subscribe", {"EventKey": ""})
        night.cloud.phone(who).enters()
    night.settle()
    assert night.hears("p1")[0].startswith("您好，这里是夜间巡检机器人。零点以后")
    assert night.hears("unknown")[0].startswith("您好，这里是夜间巡检机器人，还不认识您。")


def test_a_button_of_another_persons_film_changes_nothing(night: Story) -> None:
    night.film("p1")
    night.settle(6)
    night.hears("p1")
    card = night.cloud.phone("p1").cards[-1]
    own = {"EventKey": next(iter(card.buttons)), "TaskId": card.task_id}
    night.cloud.phone("p2").sends_event("template_card_event", own)
    night.settle()
    assert night.hears("p2") == ["这个按钮对应的视频不在您名下，没有改动。"]
    assert len(night.view()["unattributed"]) == 1
