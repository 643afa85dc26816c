"""The chat as people use it: manners, corrections, and a leader who asks enterprises for films."""

from __future__ import annotations

import pytest

from storage.db.models import AuditEntry
from tests.harness import Story


def test_small_talk_gets_a_short_answer(night: Story) -> None:
    answers = {}
    for text in ("你好", "谢谢", "收到", "好的马上重拍"):
        night.says("p1", text)
        [answers[text]] = night.hears("p1")
    assert answers == {
        "你好": "您好，我在。巡检视频直接发过来就行；发“查询”看今晚还差什么。",
        "谢谢": "不客气，您辛苦了，请注意安全。",
        "收到": "好的。",
        "好的马上重拍": "好的，等您的视频。请注意安全。",
    }


def test_words_replace_no_film(night: Story) -> None:
    night.says("p1", "今晚一切正常")
    assert night.hears("p1") == ["11-24 夜巡：\n甲化工：0/2。还差：1 罐区、2 装卸台"]


def test_help_is_always_given_and_fits_the_role(night: Story) -> None:
    for _ in range(7):
        night.says("p1", "帮助")
        night.settle(30)
    assert [text.startswith("直接发视频就行") for text in night.hears("p1")] == [True] * 7
    for who, beginning in (("leader", "今晚：看全县"), ("staff", "今晚：看全县"), ("h1", "查询：看本单位")):
        night.says(who, "帮助")
        assert [text.startswith(beginning) for text in night.hears(who)] == [True]


def test_a_film_is_moved_when_its_sender_says_so(night: Story) -> None:
    night.time("00:10")
    night.says("p1", "1")
    night.film("p1")
    night.hears("p1")
    night.says("p1", "错了，刚才那段是装卸台")
    [receipt] = night.hears("p1")
    assert receipt.splitlines()[:2] == ["✅ 收到 1124-0001", "甲化工 · 2 装卸台"]
    assert "还差：1 罐区" in receipt
    # The text of the first film does not name the next one.
    night.film("p1")
    night.settle(6)
    assert any(text.startswith("1124-0002") for text in night.hears("p1"))
    night.says("p1", "罐区")
    [receipt] = night.hears("p1")
    assert receipt.splitlines()[1] == "甲化工 · 1 罐区"


def test_a_film_is_moved_by_its_number(night: Story) -> None:
    night.time("00:10")
    for part in ("1", "2"):
        night.says("p1", part)
        night.film("p1")
    night.hears("p1")
    night.says("p1", "0001 是 2 号")
    [receipt] = night.hears("p1")
    assert receipt.splitlines()[:2] == ["✅ 收到 1124-0001", "甲化工 · 2 装卸台"]
    with night.bot.uow.read() as store:
        [entry] = store.session.query(AuditEntry).filter_by(action="film_corrected")
    assert entry.actor == "甲化工巡检员"
    night.says("p1", "0001 是 9 号")
    assert night.hears("p1") == ["没有“9号”这个部位。贵单位的部位是：1 罐区、2 装卸台。请回复其中一个编号或名称。"]
    night.says("p1", "0009 是 1 号")
    assert night.hears("p1") == ["没有找到今晚0009号视频。请回复回执上的编号，例如：0172 是 2。"]


def test_a_patroller_cannot_move_the_film_of_another_enterprise(night: Story) -> None:
    night.time("00:10")
    night.says("p1", "1")
    night.film("p1")
    night.hears("p1")
    night.says("p2", "0001 是 2 号")
    assert night.hears("p2") == ["没有找到今晚0001号视频。请回复回执上的编号，例如：0172 是 2。"]


@pytest.mark.parametrize("text", ["我们厂今天停产了", "我们停产检修了", "今晚停产", "我们公司已经恢复生产了"])
def test_a_shutdown_is_understood_in_a_sentence(night: Story, text: str) -> None:
    night.says("h1", text)
    assert night.hears("h1") == ["已转给工作人员，请等对方核实。核实之前仍请按原要求报送。"]
    assert night.hears("staff") == [f"📋 甲化工负责人（甲化工）说：“{text}”\n请核实后在登记册里修改。"]


def test_a_denied_shutdown_is_not_passed_on(night: Story) -> None:
    night.says("p1", "我们没有停产")
    night.hears("p1")
    assert night.hears("staff") == []


def test_the_leader_asks_one_enterprise_for_its_films_once_in_a_while(night: Story) -> None:
    night.time("00:30")
    night.says("leader", "催 甲化工")
    assert night.hears("leader") == ["已催报1家：甲化工。"]
    [request] = night.hears("p1")
    assert request == "📣 李局催报：甲化工，请尽快把视频发过来。06:00 前发送算按时。"
    night.settle(60)
    night.says("leader", "催甲化工")
    assert night.hears("leader") == ["已催报0家：无。15分钟内刚催过：甲化工。"]
    assert night.hears("p1") == []
    night.time("00:50")
    night.says("staff", "催E001")
    assert night.hears("staff") == ["已催报1家：甲化工。"]
    assert len(night.hears("p1")) == 1


def test_all_that_miss_films_are_asked_at_once(night: Story) -> None:
    night.time("00:30")
    for part in ("1", "2"):
        night.says("p1", part)
        night.film("p1")
    night.hears("p1")
    night.says("leader", "催全部未报")
    [done] = night.hears("leader")
    assert done.startswith("已催报")
    assert "甲化工" not in done
    assert night.hears("p1") == []
    assert {text[:6] for who in night.cloud.members for text in night.hears(who)} == {"📣 李局催报"}
    with night.bot.uow.read() as store:
        [entry] = store.session.query(AuditEntry).filter_by(action="enterprises_urged")
    assert entry.actor == "李局"


def test_a_patroller_cannot_ask_others(night: Story) -> None:
    night.says("p1", "催乙化工")
    assert night.hears("p1")[0].startswith("直接发视频就行")
