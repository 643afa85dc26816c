"""Nights through the smart bot: in its single chat and in the work group, with the same answers as everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.devtools.simulator.core.aibot import Aibot
from storage.db.models import GroupChat, InboxRow
from tests.harness import NIGHT, Story, film_bytes, row, story

CHAT = "wrGroup_A"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """A night in a county whose group has no robot: the smart bot sits in it."""
    with story(tmp_path, enterprises=2, smart_bot=True) as played:
        played.cloud.aibot.add_chat(CHAT, "夜巡工作群", tuple(played.cloud.members))
        with played.office() as store:
            group = row(store, GroupChat, name="夜巡工作群")
            group.robot_key, group.chat_id = None, CHAT
        yield played


def films(night: Story, who: str = "p1", tag: str = "one", **how: Any) -> Any:
    return night.to_bot(lambda bot: bot.sends_film(who, film_bytes(12, tag)), **how)


def test_a_film_in_the_single_chat_is_filed_and_its_receipt_answers_it(night: Story) -> None:
    night.time("00:21")
    films(night)
    night.to_bot(lambda bot: bot.says("p1", "2"))
    assert night.hears("p1") == ["✅ 收到 1124-0001\n甲化工 · 2 装卸台\n发送时间 00:21，今晚 1/2\n还差：1 罐区"]
    [clip] = night.part("E001", "2")["submissions"]
    assert (clip["state"], clip["sender"], clip["bytes"]) == ("filed", "p1", len(film_bytes(12, "one")))
    assert night.cloud.phone("p1").received[-1].msgtype == "markdown"
    assert all(said.answered for said in night.cloud.aibot.callbacks.values() if said.body["msgtype"] == "video")


def test_the_question_comes_as_a_card_whose_click_settles_it(night: Story) -> None:
    night.time("00:21")
    films(night)
    night.settle(6)
    assert night.hears("p1")[0].startswith("1124-0001 拍的是哪个部位？")
    card = night.taps("p1", "1 罐区")
    assert card.replacement_text == "已记为 1 罐区"
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")


def test_a_click_that_is_handled_too_late_for_the_card_is_answered_in_words(night: Story) -> None:
    night.time("00:21")
    films(night)
    night.settle(6)
    night.hears("p1")
    card = night.cloud.phone("p1").cards[-1]
    night.to_bot(lambda bot: bot.presses("p1", card, next(iter(card.buttons))), settle=False)
    night.settle(7)
    assert [text.split("\n")[0] for text in night.hears("p1")] == ["✅ 收到 1124-0001", "已记为 1 罐区"]
    assert card.replacement_text is None


def test_a_film_posted_in_the_group_is_taken_in_when_a_member_quotes_it(night: Story) -> None:
    night.time("00:21")
    posted = night.cloud.aibot.posts_unmentioned(film_bytes(12, "posted"))
    night.to_bot(lambda bot: bot.says("p1", "2号", CHAT, quote=posted))
    [receipt] = night.group_hears(CHAT)
    assert receipt.text == "✅ 收到 1124-0001\n甲化工 · 2 装卸台\n发送时间 00:21，今晚 1/2\n还差：1 罐区"
    assert night.part("E001", "2")["submissions"][0]["sender"] == "p1"


def test_a_quoted_film_without_a_part_is_asked_about_in_the_group(night: Story) -> None:
    night.time("00:21")
    posted = night.cloud.aibot.posts_unmentioned(film_bytes(12, "posted"))
    night.to_bot(lambda bot: bot.says("p1", "", CHAT, quote=posted))
    night.settle(6)
    card, words = night.group_hears(CHAT)
    assert card.text.startswith("1124-0001 拍的是哪个部位？")
    assert words.text.startswith("1124-0001（00:21）拍的是哪个部位？")
    night.taps_of_bot("p1", "1 罐区", card.card)
    assert night.group_hears(CHAT)[0].text.startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")


def test_the_transcript_of_a_voice_message_is_read_as_text(night: Story) -> None:
    night.time("00:21")
    night.to_bot(lambda bot: bot.sends_voice("p1", "着火了，快来人"))
    night.settle(1)
    assert any("着火了，快来人" in text for text in night.hears("leader"))
    night.hears("p1")
    night.to_bot(lambda bot: bot.says("leader", "已知悉"))
    night.hears("leader"), night.hears("p1")


def test_danger_said_with_a_quoted_film_goes_to_the_leader_before_all(night: Story) -> None:
    night.time("00:21")
    posted = night.cloud.aibot.posts_unmentioned(film_bytes(12, "leak"))
    night.to_bot(lambda bot: bot.says("p1", "险情 1号泄漏", CHAT, quote=posted))
    night.settle(1)
    assert any("险情" in text for text in night.hears("leader"))
    said = [heard.text for heard in night.group_hears(CHAT)]
    assert said[0].startswith("🚨 00:21:00 已转值班领导 李局")
    night.to_bot(lambda bot: bot.says("leader", "已知悉"))
    night.hears("leader")
    night.settle(10)
    night.group_hears(CHAT)


def test_danger_said_with_a_quoted_photo_goes_to_the_leader(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, smart_bot=True, rules={"险情词": "打呛了"}) as night:
        night.cloud.aibot.add_chat(CHAT, "夜巡工作群", tuple(night.cloud.members))
        night.time("00:21")
        posted = night.cloud.aibot.posts_unmentioned(PHOTO, "image")
        night.to_bot(lambda bot: bot.says("p1", "罐车打呛了", CHAT, quote=posted))
        night.settle(1)
        assert any("罐车打呛了" in text for text in night.hears("leader"))
        night.group_hears(CHAT)
        night.to_bot(lambda bot: bot.says("p1", "还有人在里面", CHAT, quote=posted))
        night.settle(1)
        assert any("“还有人在里面（发来照片 1124-0002" in text for text in night.hears("leader"))
        night.group_hears(CHAT)
        night.to_bot(lambda bot: bot.says("leader", "已知悉"))
        night.settle(10)
        for who in ("leader", "staff"):
            night.hears(who)
        night.group_hears(CHAT)


def test_spoken_words_count_as_written_ones(night: Story) -> None:
    night.time("00:21")
    night.to_bot(lambda bot: bot.sends_voice("p1", "查询"))
    assert night.hears("p1")[0].startswith("11-24 夜巡")


def test_words_and_pictures_in_one_message_are_each_heard(night: Story) -> None:
    night.time("00:21")
    night.to_bot(lambda bot: bot.sends_mixed("p1", "1", [PHOTO, PHOTO + b"x"], CHAT), messages=3)
    night.settle(61)
    texts = [heard.text for heard in night.group_hears(CHAT)]
    assert [text[:7] for text in texts].count("📷 照片已留存") == 2


def test_the_group_without_a_robot_hears_its_waves_from_the_smart_bot(night: Story) -> None:
    night.time("01:38")
    [wave] = night.group_hears(CHAT)
    assert wave.msgtype == "markdown"
    assert "甲化工" in wave.text
    assert "乙化工" in wave.text


def test_an_unknown_group_is_announced_to_the_office_and_bound_by_it(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, smart_bot=True) as night:
        night.cloud.aibot.add_chat("wrNew", "新群")
        with night.office() as store:
            row(store, GroupChat, name="夜巡工作群").robot_key = None
        night.time("00:10")
        night.to_bot(lambda bot: bot.says("p1", "帮助", "wrNew"))
        assert "wrNew" in night.hears("staff")[0]
        assert night.group_hears("wrNew")[0].text.startswith("直接发视频就行")
        night.to_bot(lambda bot: bot.says("p1", "绑定群 夜巡工作群", "wrNew"))
        assert night.group_hears("wrNew")[0].text == "绑定群要由工作人员来做，请联系值班人员。"
        night.to_bot(lambda bot: bot.says("staff", "绑定群 没有的群", "wrNew"))
        assert night.group_hears("wrNew")[0].text.startswith("登记册里没有这个群。已登记的群是：夜巡工作群")
        night.to_bot(lambda bot: bot.says("staff", "绑定群 夜巡工作群", "wrNew"))
        assert night.group_hears("wrNew")[0].text.startswith("好的，这里就是“夜巡工作群”")
        night.time("01:38")
        assert "甲化工" in night.group_hears("wrNew")[0].text


def test_a_stranger_binds_himself_through_the_bot(night: Story) -> None:
    night.cloud.add_member("new", "新人")
    night.to_bot(lambda bot: bot.enters("new"))
    assert night.hears("new")[0].startswith("您好，这里是夜间巡检机器人，还不认识您")
    with night.office() as store:
        from handlers.enrolment import invite

        code = invite("甲化工巡检员", ["巡检员"], "E001", store, night.clock.instant).code
    night.to_bot(lambda bot: bot.says("new", f"绑定 {code}"))
    assert night.hears("new")[0].startswith("绑定成功，甲化工巡检员")
    assert night.hears("p1")[0].startswith("🔐")
    night.to_bot(lambda bot: bot.enters("new"))
    assert night.hears("new")[0].startswith("您好，这里是夜间巡检机器人。零点以后")
    night.to_bot(lambda bot: bot.enters("new"))


def test_a_message_said_twice_is_heard_once(night: Story) -> None:
    night.time("00:21")
    said = films(night)
    night.cloud.aibot.redeliver(said)
    night.to_bot(lambda bot: bot.says("p1", "1"))
    assert len(night.hears("p1")) == 1
    assert len(night.part("E001", "1")["submissions"]) == 1


def test_an_address_that_has_died_costs_the_film_and_its_sender_is_told(night: Story) -> None:
    night.time("00:21")
    films(night, settle=False)
    night.settle(301)
    assert night.hears("p1") == ["⚠️ 1124-0001（00:21）没有从微信取到，文件已失效。请把视频再发一次。"]


def with_false_padding(data: bytes) -> bytes:
    """The last byte of the plaintext, 1 to 32, becomes greater than 64."""
    return data[:-17] + bytes([data[-17] ^ 0x40]) + data[-16:]


@pytest.mark.parametrize(
    ("spoil", "mark"), [(lambda data: data[:-7], "media_garbled"), (with_false_padding, "media_garbled")]
)
def test_ciphertext_that_is_none_costs_the_film_with_a_reason(night: Story, spoil: Any, mark: str) -> None:
    night.time("00:21")

    def spoilt(bot: Aibot) -> Any:
        told = bot.media.add(film_bytes(12, "one"), "video.mp4")
        path = bot.media.ciphertext_path(told["url"])
        path.write_bytes(spoil(path.read_bytes()))
        return bot.sends_raw("p1", "", {"msgtype": "video", "video": told})

    night.to_bot(spoilt)
    assert night.hears("p1")[0].startswith("⚠️ 1124-0001（00:21）没有从微信取到")
    [clip] = night.view()["unattributed"]
    assert (clip["state"], clip["marks"]) == ("failed", [mark])


def test_an_address_elsewhere_is_refused_on_record(night: Story) -> None:
    night.time("00:21")
    told = {"url": "http://169.254.169.254/latest/meta-data", "aeskey": "A" * 43}
    night.to_bot(lambda bot: bot.sends_raw("p1", "", {"msgtype": "video", "video": told}))
    assert night.hears("p1")[0].startswith("⚠️ 1124-0001（00:21）没有从微信取到")
    assert night.view()["unattributed"][0]["marks"] == ["media_refused"]


def test_the_key_of_a_film_is_kept_no_longer_than_it_is_needed(night: Story) -> None:
    night.time("00:21")
    said = films(night, settle=False)
    key = said.body["video"]["aeskey"]
    with night.bot.uow.read() as store:
        assert key in row(store, InboxRow, channel="wecom_aibot").raw
    night.settle()
    with night.bot.uow.read() as store:
        assert key not in row(store, InboxRow, channel="wecom_aibot").raw
    night.to_bot(lambda bot: bot.says("p1", "1"))
    night.hears("p1")


def test_a_lesson_film_goes_into_the_group_in_chunks(night: Story) -> None:
    from bot.channels.wecom_aibot.media_upload import upload_media
    from bot.channels.wecom_aibot.outbound import WeComAibotChannel

    content = film_bytes(12, "lesson") + bytes(1_300_000)
    sender = night.bot.channels.senders["wecom_aibot"]
    assert isinstance(sender, WeComAibotChannel)
    kind, media_id = upload_media(sender.rpc, "lesson.mp4", content)
    media = night.cloud.media.find(media_id, night.cloud.now(), "aibot")
    assert (kind, media.read()) == ("video", content)


def test_what_people_write_becomes_no_link_and_no_mention(night: Story) -> None:
    night.time("00:21")
    night.to_bot(lambda bot: bot.says("p1", "险情 [点我](http://evil.example) <@all> **快**"))
    night.settle(1)
    texts = night.hears("leader")
    assert texts
    night.hears("p1")
    with night.bot.uow.read() as store:
        assert store.alerts.unacknowledged(night.clock.now())
    night.to_bot(lambda bot: bot.says("leader", "已知悉"))
    night.hears("leader"), night.hears("p1")
    assert night.notices("alert", NIGHT)
