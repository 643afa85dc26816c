"""Emergencies: understood in any wording, passed on while they are open, and escalated until answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.reports.issued_files import issued_tables
from storage.db.models import Person
from tests.harness import NIGHT, Story, mobile_of, row, story


def reported(night: Story, words: str = "着火了！快来人", who: str = "p1") -> None:
    """A patroller reports an emergency at 02:10, and everybody has read what came of it."""
    night.time("02:10")
    night.group_hears("KEY")
    night.says(who, words)
    assert len(night.hears("leader")) == 2
    assert len(night.hears(who)) == 1


def acknowledged(night: Story, who: str = "p1") -> None:
    night.taps("leader", "已知悉")
    assert "李局" in night.hears(who)[0]


def alerts(night: Story) -> list[dict[str, object]]:
    return night.view()["alerts"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "words", ["着火了！快来人", "有人晕倒了", "119", "险 情", "罐区泄漏了", "俺厂管子刺了，氨跑了"]
)
def test_an_emergency_rings_however_it_is_said(night: Story, words: str) -> None:
    reported(night, words)
    [alert] = alerts(night)
    assert (alert["cause"], alert["enterprise"], alert["rung"], alert["acknowledged_at"]) == (
        "emergency",
        "E001",
        0,
        None,
    )
    acknowledged(night)
    assert alerts(night)[0]["acknowledged_by"] == "李局"


def test_the_alert_names_whom_to_call_and_the_last_films(night: Story) -> None:
    night.time("00:30")
    night.film("p1", at=None)
    night.says("p1", "1")
    night.hears("p1")
    night.time("01:00")
    night.says("p1", "着火了")
    _, text = night.hears("leader")
    assert f"企业联系人：甲化工负责人（{mobile_of('甲化工负责人')}）、甲化工巡检员" in text
    assert "今晚最近的视频：1 罐区 00:30" in text
    assert text.endswith("/films/2026-11-24/1124-0001")
    night.hears("p1")
    acknowledged(night)


def test_what_may_be_one_is_held_for_one_tap(night: Story) -> None:
    night.time("02:10")
    night.group_hears("KEY")
    night.says("p1", "好像着火了")
    card, text = night.hears("p1")
    assert card.startswith("这是险情吗？")
    assert "回复“是”" in text
    assert (night.hears("leader"), alerts(night)) == ([], [])
    pressed = night.taps("p1", "是险情，马上报")
    assert pressed.replacement_text == "已作为险情上报"
    assert len(night.hears("leader")) == 2
    assert "已转值班领导" in night.hears("p1")[0]
    acknowledged(night)


def test_a_denied_emergency_alerts_no_person(night: Story) -> None:
    night.time("02:10")
    night.group_hears("KEY")
    night.says("p1", "法兰渗油")
    night.hears("p1")
    night.taps("p1", "不是")
    assert night.hears("p1") == ["好的，不是险情就好。有险情随时发“险情”。"]
    night.time("02:30")
    assert alerts(night) == []
    night.says("p1", "罐区有异味")
    night.hears("p1")
    night.says("p1", "没事")
    assert len(night.hears("p1")) == 1
    night.time("03:00")


def test_the_question_can_be_answered_in_words(night: Story) -> None:
    night.says("p1", "是不是着火了")
    night.hears("p1")
    night.says("p1", "是")
    assert len(night.hears("leader")) == 2
    night.hears("p1")
    acknowledged(night)


def test_an_unanswered_question_is_raised_automatically(night: Story) -> None:
    night.time("02:10")
    night.group_hears("KEY")
    night.says("p1", "出事了")
    night.hears("p1")
    night.time("02:11")
    assert night.hears("leader") == []
    night.time("02:12")
    assert "出事了”（可能是险情，已问过发送人，没有回答）" in night.hears("leader")[1]
    acknowledged(night)


def test_a_part_that_is_named_with_a_doubtful_word_is_noted_too(night: Story) -> None:
    night.time("00:30")
    night.film("p1")
    night.hears("p1")
    night.says("p1", "罐区漏了")
    answers = night.hears("p1")
    assert any("收到 1124-0001" in each for each in answers)
    assert any("是险情吗" in each for each in answers)
    night.taps("p1", "不是")
    night.hears("p1")


def test_everything_that_its_reporter_sends_goes_to_the_holder(night: Story) -> None:
    reported(night)
    acknowledged(night)
    night.says("p1", "烟越来越大")
    assert "又报：“烟越来越大”" in night.hears("leader")[0]
    assert night.hears("p1") == [f"🚨 02:10:00 已转告 李局（{mobile_of('李局')}）。请保持安全距离。"]
    night.phone("p1").sends_location(34.7, 113.6, "甲化工罐区")
    night.settle()
    assert "位置：甲化工罐区（34.7，113.6）" in night.hears("leader")[0]
    night.hears("p1")
    night.phone("p1").sends_photo()
    night.settle(1)
    told, picture = night.hears("leader")
    assert "发来照片 1124-0001" in told
    assert picture == "1124-0001.jpg"
    night.phone("p1").sends_voice()
    night.settle(1)
    told, sound = night.hears("leader")
    assert "发来语音 1124-0002" in told
    assert sound == "1124-0002.amr"
    night.film("p1", seconds=3)
    assert "发来视频 1124-0003" in night.hears("leader")[0]
    assert not any("再拍" in each for each in night.hears("p1")), "no patroller is asked to stay for a better picture"
    night.hears("leader")
    assert [each["kind"] for each in alerts(night)[0]["entries"]] == [  # type: ignore[attr-defined]
        "report", "acknowledged", "update", "update", "update", "update", "update"
    ]  # fmt: skip


def test_updates_of_an_unheld_emergency_go_to_all_who_were_alerted(night: Story) -> None:
    reported(night)
    night.time("02:20")
    assert len(night.hears("backup")) == 2
    night.says("p1", "还有人没出来")
    assert len(night.hears("leader")) == len(night.hears("backup")) == 1
    night.hears("p1")
    night.says("backup", "已知悉 正在赶去")
    assert night.hears("backup")
    assert "赵局" in night.hears("p1")[0]
    assert alerts(night)[0]["entries"][-1]["text"] == "正在赶去"  # type: ignore[index]


def test_a_false_alarm_is_passed_on_and_does_not_close_it(night: Story) -> None:
    reported(night)
    acknowledged(night)
    night.says("p1", "误报，是水蒸气")
    assert "说：“误报，是水蒸气”。请核实" in night.hears("leader")[0]
    assert "请等对方核实" in night.hears("p1")[0]
    assert alerts(night)[0]["resolved_at"] is None
    night.says("leader", "已解除 误报，水蒸气，现场已核实")
    night.hears("leader"), night.hears("p1")
    assert alerts(night)[0]["outcome"] == "误报，水蒸气，现场已核实"


def test_all_who_were_alerted_hear_the_stand_down(night: Story) -> None:
    reported(night)
    night.time("02:30")
    assert (len(night.hears("backup")), len(night.hears("staff"))) == (2, 2)
    night.says("staff", "已知悉")
    night.hears("staff"), night.hears("p1")
    night.says("staff", "已解除：火已扑灭，无人伤亡")
    stand_down = "✅ 甲化工 02:10 报的险情（“着火了！快来人”）已解除（王科 02:30）。处置结果：火已扑灭，无人伤亡"
    for who in ("leader", "backup", "p1"):
        assert night.hears(who) == [stand_down]
    assert night.hears("staff") == ["已解除，处置结果已记录，已通知有关人员。"]
    night.time("03:06")


def test_the_ladder_repeats_until_a_person_answers(night: Story) -> None:
    reported(night)
    heard = {"leader": 0, "backup": 0, "staff": 0}
    for minutes in range(11, 80):
        night.time(f"{2 + minutes // 60:02}:{minutes % 60:02}")
        for who in heard:
            heard[who] += len(night.hears(who))
    night.group_hears("KEY")
    assert heard == {"leader": 2, "backup": 4, "staff": 4}
    assert alerts(night)[0]["rung"] == 2
    night.says("staff", "已知悉")
    night.hears("staff"), night.hears("p1")


def test_an_acknowledgement_runs_out_and_asks_how_it_stands(night: Story) -> None:
    reported(night)
    acknowledged(night)
    night.time("02:39")
    assert night.hears("leader") == []
    night.time("02:40")
    card, text = night.hears("leader")
    assert card.startswith("险情处置得怎样？")
    assert "还在处理" in text
    night.taps("leader", "还在处理")
    assert night.hears("leader") == ["好的，30分钟后再问您。处置完毕请回复“已解除”加处置结果。"]
    night.time("03:09")
    night.group_hears("KEY")
    assert night.hears("leader") == []
    night.time("03:10")
    assert len(night.hears("leader")) == 2
    night.time("03:20")
    assert len(night.hears("backup")) == 2, "without an answer the ladder goes on"
    night.taps("leader", "已解除")
    assert night.hears("leader") == ["已解除，已通知有关人员。请回复一句处置结果，会写进日报。"]
    night.hears("backup"), night.hears("p1")
    night.says("leader", "火已扑灭")
    assert night.hears("leader") == ["处置结果已记录，会写进日报。"]
    assert (alerts(night)[0]["resolved_by"], alerts(night)[0]["outcome"]) == ("李局", "火已扑灭")


def test_its_outcome_stands_in_the_daily_report(night: Story) -> None:
    reported(night)
    acknowledged(night)
    night.says("leader", "已解除 火已扑灭")
    night.hears("leader"), night.hears("p1")
    night.time("07:40")
    for who in night.cloud.members:
        for text in night.hears(who):
            if text.startswith("📊"):
                assert "🚨 险情1起（甲化工）；未报：" in text
                night.expected["report"] = 1
    assert night.expected.pop("report")
    with night.bot.uow.read() as store:
        sheet = issued_tables(store.issued_reports.get(NIGHT), night.bot.uow.rules(store))[0]
    [line] = [line for line in sheet.intro_lines if "险情通报" in line]
    assert "甲化工 甲化工巡检员 02:10 报“着火了！快来人”；李局 02:10 接警；" in line
    assert "李局 02:10 解除，处置结果：火已扑灭" in line
    night.group_hears("KEY")


def test_what_is_still_true_is_resolved_only_with_a_reason(tmp_path: Path) -> None:
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.time("05:07")
        night.hears("leader")
        night.says("leader", "已解除")
        assert night.hears("leader") == ["还有1家未报齐：甲化工。仍要解除的，请写明原因：已解除 加原因。"]
        assert alerts(night)[0]["resolved_at"] is None
        night.says("leader", "已解除 企业停电，已电话核实")
        assert night.hears("leader") == ["已解除，处置结果已记录，已通知有关人员。"]
        night.time("05:59")
        assert alerts(night)[0]["outcome"] == "企业停电，已电话核实"


def test_a_person_who_was_put_on_the_ladder_later_can_answer(night: Story) -> None:
    reported(night)
    with night.office() as store:
        head = row(store, Person, name="丁化工负责人")
        head.roles = [*head.roles, "值班领导"]
    night.says("h4", "已知悉")
    assert night.hears("h4")
    assert "丁化工负责人" in night.hears("p1")[0]


def test_a_picture_of_the_holder_goes_on_record(night: Story) -> None:
    reported(night)
    acknowledged(night)
    night.phone("leader").sends_photo()
    night.settle(1)
    assert night.hears("leader") == ["已记入今晚的处置记录。"]
    entry = alerts(night)[0]["entries"][-1]  # type: ignore[index]
    assert (entry["name"], entry["kind"], entry["text"]) == ("李局", "note", "1124-0001")


def test_a_voice_message_is_kept_and_a_person_is_asked_to_listen(night: Story) -> None:
    night.time("02:10")
    night.group_hears("KEY")
    night.phone("p1").sends_voice()
    night.settle(1)
    assert night.hears("p1")[0].startswith("这是险情吗？")
    card, text, sound = night.hears("staff")
    assert card.startswith("请听一段语音")
    assert "甲化工巡检员" in text
    assert sound == "1124-0001.amr"
    night.taps("staff", "是险情，马上报")
    assert len(night.hears("leader")) == 2
    night.hears("staff")
    acknowledged(night)


def test_words_of_the_office_count_as_well(tmp_path: Path) -> None:
    with story(tmp_path, rules={"险情词": "打呛了", "非险情词": "着火锅店"}) as night:
        night.says("p1", "罐车打呛了")
        assert len(night.hears("leader")) == 2
        night.hears("p1")
        acknowledged(night)
        night.says("p2", "今晚去东方着火锅店")
        assert len(night.hears("p2")) == 1


def test_the_verdict_of_a_reviewer_raises_no_alert(night: Story) -> None:
    night.time("00:30")
    night.film("p1")
    night.says("p1", "1")
    night.hears("p1")
    night.says("leader", "审看")
    night.hears("leader")
    night.says("leader", "有问题 法兰漏油，喷了一地")
    night.settle(10)
    assert alerts(night) == []
    night.hears("leader"), night.hears("p1"), night.hears("h1")
