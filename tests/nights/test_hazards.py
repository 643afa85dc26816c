"""Hazards in the chat: found, completed, extended, put right, accepted, each by the people who may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from handlers.hazards.access import actor_of
from handlers.hazards.adding import HazardDraft, add_hazard
from handlers.review.verdicts import VerdictDraft, record_verdict, undo_verdict
from schedules.context import Context
from schedules.reports.yearly import yearly_report
from storage.db.models import Hazard, MajorHazardSource, Person
from tests.harness import NIGHT, County, Story, row, story

NUMBER = "YH-2026-0001"


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """One enterprise with two parts, at 02:05 of the night."""
    with story(tmp_path, start="02:05", enterprises=1, rules={"复看比例": "0"}) as played:
        yield played


def skip_to(night: Story, text: str, day: date = NIGHT) -> None:
    """Advance the clock and ignore what the night says meanwhile."""
    night.time(text, day)
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def photo(night: Story, who: str) -> None:
    night.phone(who).sends_photo(at=int(night.clock.instant.timestamp()))
    night.settle()


def film(night: Story, who: str, part: str) -> None:
    night.says(who, part)
    night.film(who)


def hazard(night: Story, number: str = NUMBER) -> Hazard:
    with night.bot.uow.read() as store:
        found = store.hazards.get(number)
        assert found is not None
        store.session.expunge(found)
        return found


def complete(night: Story, who: str = "h1", responsible: str = "甲化工负责人") -> None:
    night.says(who, f"{NUMBER} 责任人 {responsible} 措施 更换垫片 时限 12-01")


# --- reporting


@pytest.mark.parametrize("photo_first", [True, False])
def test_a_report_with_a_photo_before_or_after_is_a_hazard(night: Story, photo_first: bool) -> None:
    if photo_first:
        photo(night, "p1")
        night.hears("p1")
        night.settle(300)
    night.says("p1", "隐患 罐区 护栏锈蚀")
    material = "现场材料：1124-0001。" if photo_first else "请在10分钟内发来现场照片或视频。"
    assert night.hears("p1") == [
        f"🚩 已登记隐患 {NUMBER}：甲化工 · 1 罐区，护栏锈蚀。\n"
        f"还缺：责任人、整改措施、整改时限。补全请回复“{NUMBER} 责任人 姓名 措施 内容 时限 12-01”。\n{material}"
    ]
    *_, told, card = night.hears("h1")
    assert told.startswith(f"🚩 甲化工巡检员 登记了隐患 {NUMBER}：甲化工 · 1 罐区，护栏锈蚀。")
    assert card.startswith(f"发现隐患 {NUMBER}")
    if not photo_first:
        night.settle(300)
        photo(night, "p1")
        assert night.hears("p1") == [f"📎 1124-0001 已作为隐患 {NUMBER} 的现场材料。"]
    found = hazard(night)
    assert (found.state, found.source, found.found_by, found.matter) == (
        "incomplete",
        "self_check",
        "甲化工巡检员",
        "护栏锈蚀",
    )
    assert found.submission_id == 1


def test_the_office_names_the_enterprise_and_its_film_is_no_patrol_film(night: Story) -> None:
    night.film("staff")
    [kept] = night.hears("staff")
    assert kept == "已收到 1124-0001。要登记隐患，请在10分钟内回复“隐患 企业 部位 文字”。"
    night.says("staff", "隐患 护栏锈蚀")
    assert night.hears("staff")[0].startswith("登记隐患请回复“隐患 企业 部位 文字”")
    night.says("staff", "隐患 甲化工 装卸台 静电接地线断开")
    [said] = night.hears("staff")
    assert "甲化工 · 2 装卸台，静电接地线断开" in said
    assert said.endswith("现场材料：1124-0001。")
    night.hears("h1")
    assert (hazard(night).source, hazard(night).found_by) == ("inspection", "王科")
    assert night.part("E001", "2")["state"] != "on_time"


def test_a_photo_that_comes_too_late_is_not_taken(night: Story) -> None:
    night.says("p1", "隐患 罐区 护栏锈蚀")
    night.settle(601)
    photo(night, "p1")
    assert night.hears("p1")[-1].startswith("📷 照片已留存")
    night.hears("h1")
    assert hazard(night).submission_id is None


def test_a_film_of_another_part_is_not_taken(night: Story) -> None:
    night.says("p1", "隐患 罐区 护栏锈蚀")
    film(night, "p1", "2")
    assert night.hears("p1")[-1].startswith("✅ 收到 1124-0001")
    night.hears("h1")
    assert hazard(night).submission_id is None
    film(night, "p1", "1")
    assert f"📎 1124-0002 已作为隐患 {NUMBER} 的现场材料。" in night.hears("p1")
    assert hazard(night).submission_id == 2


def test_words_that_may_be_an_emergency_are_asked_about_too(night: Story) -> None:
    night.says("p1", "隐患 罐区 法兰渗漏")
    card, question, said = night.hears("p1")
    assert card.startswith("这是险情吗？")
    assert "回复“是”" in question
    assert said.startswith(f"🚩 已登记隐患 {NUMBER}")
    night.says("p1", "不是")
    night.hears("p1")
    night.hears("h1")


def test_speaking_of_hazards_reports_none(night: Story) -> None:
    night.says("p1", "隐患排查已完成")
    night.hears("p1")
    night.says("p1", "隐患")
    assert night.hears("p1")[0].startswith("登记隐患请回复“隐患 部位 文字”")
    with night.bot.uow.read() as store:
        assert store.session.query(Hazard).count() == 0


# --- from a verdict


def judged(night: Story, words: str = "有问题 液氯管道法兰渗漏") -> None:
    """The leader sees a problem on a film of 02:10."""
    night.time("02:10")
    film(night, "p1", "1")
    night.hears("p1")
    night.says("leader", "审看")
    night.says("leader", words)
    night.hears("leader")


def test_a_problem_on_a_film_is_a_hazard_with_all_that_is_known(night: Story) -> None:
    judged(night)
    night.settle(10)
    for who in ("h1", "p1"):
        picture, said = night.hears(who)[:2]
        assert picture == "1124-0001.jpg"
        assert said.startswith(
            f"🚩 李局 登记了隐患 {NUMBER}：甲化工 · 1 罐区，液氯管道法兰渗漏。"
            "见 1124-0001（02:10）的画面，整改时限 2026-12-01。\n"
            f"还缺：责任人、整改措施。补全请回复“{NUMBER} 责任人 姓名 措施 内容”。\n"
        )
    found = hazard(night)
    assert (found.source, found.found_by, found.matter, found.submission_id, found.state) == (
        "night_patrol",
        "李局",
        "液氯管道法兰渗漏",
        1,
        "incomplete",
    )
    assert (found.part_id, found.deadline) == (1, date(2026, 12, 1))


def test_an_undone_verdict_leaves_no_open_hazard(night: Story) -> None:
    judged(night)
    night.says("leader", "撤销")
    assert night.hears("leader") == ["已撤销 1124-0001 的结论，没有通知企业。请重新审看。"]
    assert hazard(night).state == "void"
    night.settle(60)
    for who in ("h1", "p1"):
        assert night.hears(who) == []
        night.says(who, f"有异议 {NUMBER} 没有的事")
        assert night.hears(who) == [f"没有编号为 {NUMBER} 的隐患"]


def test_within_ten_seconds_the_enterprise_does_not_know_of_it(night: Story) -> None:
    judged(night)
    night.settle(8)
    complete(night)
    assert night.hears("h1") == [f"没有编号为 {NUMBER} 的隐患"]
    night.settle(2)
    assert night.hears("h1")[1].startswith(f"🚩 李局 登记了隐患 {NUMBER}")
    night.hears("p1")


def test_the_head_takes_it_over_with_one_button_and_one_sentence(night: Story) -> None:
    judged(night)
    night.settle(10)
    night.hears("p1")
    night.hears("h1")
    night.says("h1", "已整改")
    assert night.hears("h1") == [f"隐患 {NUMBER} 待补全，还缺：责任人、整改措施"]
    night.taps("h1", "由我整改")
    assert night.hears("h1") == [f"请用一句话写明隐患 {NUMBER} 的整改措施，如：更换垫片并试漏。"]
    night.says("h1", "更换垫片")
    *_, card, stored = night.hears("h1")
    assert card.startswith(f"请整改 {NUMBER}")
    assert stored == f"已记入隐患 {NUMBER}：液氯管道法兰渗漏；责任人 甲化工负责人；措施 更换垫片；时限 2026-12-01。"
    assert hazard(night).state == "rectifying"
    night.says("p1", f"由我整改 {NUMBER} 拧紧")
    assert night.hears("p1") == [f"隐患 {NUMBER} 目前“整改中”，不能办理这项操作"]


def test_a_verdict_that_is_changed_later_withdraws_the_hazard_once(night: Story) -> None:
    judged(night)
    night.settle(10)
    night.hears("h1")
    night.hears("p1")
    judge_again(night, "fit")
    withdrawn = [f"✅ 隐患 {NUMBER}（1 罐区，液氯管道法兰渗漏）已撤销，不用整改了（王科：审看结论已更改或撤销）。"]
    assert (night.hears("h1"), night.hears("p1")) == ([], [])
    night.settle(10)
    assert (night.hears("h1"), night.hears("p1")) == (withdrawn, withdrawn)


def test_a_second_reviewer_s_words_are_told_once_they_hold(night: Story) -> None:
    judged(night)
    night.settle(10)
    night.hears("h1")
    night.hears("p1")
    judge_again(night, "problem", "阀门也在滴漏")
    assert night.hears("h1") == []
    night.settle(10)
    told = [f"🚩 隐患 {NUMBER}（1 罐区）的问题说明：阀门也在滴漏（王科）"]
    assert (night.hears("h1"), night.hears("p1")) == (told, told)
    assert hazard(night).matter == "阀门也在滴漏"


def judge_again(night: Story, word: str, reason: str | None = None) -> None:
    """A clerk gives another verdict on the film."""
    with night.office() as store:
        ctx, staff = Context(store, night.bot.uow.rules(store), night.clock.now()), row(store, Person, name="王科")
        record_verdict(VerdictDraft(1, word, staff, reason=reason), ctx)
    night.settle()


def test_a_reason_that_is_said_later_is_the_matter(night: Story) -> None:
    judged(night, "有问题")
    night.settle(10)
    assert hazard(night).matter is None
    night.says("leader", "法兰下面有滴漏")
    for who in ("leader", "h1", "p1"):
        night.hears(who)
    assert hazard(night).matter == "法兰下面有滴漏"


def test_a_verdict_that_is_restored_has_an_open_hazard_again(night: Story) -> None:
    judged(night)
    night.settle(10)
    night.hears("h1")
    night.hears("p1")
    with night.office() as store:
        ctx, staff = Context(store, night.bot.uow.rules(store), night.clock.now()), row(store, Person, name="王科")
        later = record_verdict(VerdictDraft(1, "fit", staff), ctx)
        assert [each.state for each in store.hazards.of_film(1)] == ["void"]
        undo_verdict(later.id, staff, ctx)
        assert [each.state for each in store.hazards.of_film(1)] == ["void", "incomplete"]
    night.settle()
    night.settle(10)
    for who in ("h1", "p1"):
        assert night.hears(who)[1].startswith("🚩 李局 登记了隐患 YH-2026-0002")


# --- putting right, extending, accepting


def chlorine_pipeline(night: Story) -> None:
    """The hazard of the story, completed by the enterprise's head, who is responsible."""
    judged(night)
    night.settle(10)
    night.hears("h1")
    night.hears("p1")
    night.says("h1", f"{NUMBER} 责任人 甲化工负责人 措施 更换垫片")


def submitted(night: Story) -> None:
    """The head reports it as put right, with a photo after the button."""
    night.settle(60)
    night.taps("h1", "已整改")
    assert night.hears("h1") == [f"请在10分钟内发来隐患 {NUMBER} 同一部位整改后的视频或照片。"]
    photo(night, "h1")
    [said] = night.hears("h1")
    assert said.startswith("✅ 已用 1124-000")
    assert said.endswith(f"报隐患 {NUMBER} 整改完成，等待复查验收。")


def test_a_chlorine_pipeline_is_extended_and_accepted_in_the_third_attempt(night: Story) -> None:
    chlorine_pipeline(night)
    picture, asked, card, stored = night.hears("h1")
    assert picture == "1124-0001.jpg"
    assert asked.startswith(
        f"🚩 请整改隐患 {NUMBER}：甲化工 · 1 罐区，液氯管道法兰渗漏。\n"
        "责任人：甲化工负责人\n措施：更换垫片\n时限：2026-12-01\n"
    )
    assert asked.endswith("/films/2026-11-24/1124-0001")
    assert card.startswith(f"请整改 {NUMBER}")
    assert stored.startswith(f"已记入隐患 {NUMBER}")
    assert hazard(night).state == "rectifying"

    night.taps("h1", "申请延期")
    assert night.hears("h1")[0].startswith("请用一句话写明")
    night.says("h1", "要等垫片")
    assert night.hears("h1")[0].startswith("没有看懂延期申请。")
    night.says("h1", "12-20 专用垫片到货晚，防护：每班巡检两次")
    assert night.hears("h1")[0].startswith(f"已把隐患 {NUMBER} 延至 2026-12-20 的申请报给工作人员")
    words, card = night.hears("staff")
    assert "由 2026-12-01 延至 2026-12-20。\n原因：专用垫片到货晚\n延期期间防护：每班巡检两次\n" in words
    assert card.startswith(f"延期申请 {NUMBER}")
    assert night.taps("staff", "同意").replacement_text == "王科 02:10 同意"
    night.hears("staff")
    assert night.hears("h1") == [
        f"✅ 王科 同意隐患 {NUMBER}（1 罐区）延期，新时限 2026-12-20。延期期间每晚请落实：每班巡检两次。"
    ]
    assert (hazard(night).first_deadline, hazard(night).deadline) == (date(2026, 12, 1), date(2026, 12, 20))

    submitted(night)
    picture, words, card = night.hears("staff")
    assert (picture, "（第1次）" in words) == ("1124-0002.jpg", True)
    first_card = night.cloud.phone("staff").cards[-1]
    night.says("staff", f"退回 {NUMBER} 垫片不是耐氯材质")
    assert night.hears("staff") == [f"隐患 {NUMBER} 已办理，并通知了对方。"]
    assert night.hears("h1")[0] == (
        f"↩️ 隐患 {NUMBER}（1 罐区，液氯管道法兰渗漏）未通过验收，王科 退回：垫片不是耐氯材质。"
        "请继续整改，时限 2026-12-20。"
    )

    submitted(night)
    assert "（第2次）" in night.hears("staff")[1]
    key = next(key for key, label in first_card.buttons.items() if label == "通过")
    night.cloud.phone("staff").presses(first_card, key)
    night.settle()
    assert night.hears("staff")[0].startswith("这张卡片已经过时")
    night.taps("staff", "退回")
    night.hears("staff")
    night.says("staff", "看不清垫片")
    night.hears("staff")
    night.hears("h1")

    night.settle(60)
    night.says("h1", "已整改")
    film(night, "h1", "1")
    assert any(said.startswith("✅ 已用 1124-0004 报隐患") for said in night.hears("h1"))
    assert "（第3次）" in night.hears("staff")[1]
    night.says("h1", f"通过 {NUMBER}")
    assert "须由其他人复查验收" in night.hears("h1")[0]
    night.taps("staff", "通过")
    night.hears("staff")
    assert night.hears("h1") == [f"✅ 隐患 {NUMBER}（1 罐区，液氯管道法兰渗漏）已由 王科 复查验收，辛苦了。"]
    assert hazard(night).state == "accepted"
    with night.bot.uow.read() as store:
        attempts = store.hazards.attempts(NUMBER)
        assert [(each.verdict, each.reason) for each in attempts] == [
            ("returned", "垫片不是耐氯材质"),
            ("returned", "看不清垫片"),
            ("accepted", None),
        ]
        year = yearly_report(night.bot.uow.context(store), NIGHT)
        assert {name: figure for name, figure in year.figures.items() if name.startswith("hazards_")} == {
            "hazards_found": 1,
            "hazards_major": 0,
            "hazards_rectified": 1,
            "hazards_closed": 1,
            "hazards_overdue": 0,
            "hazards_extended": 1,
            "hazards_open": 0,
        }
        assert [(row.number, row.deadline, row.accepted_by) for row in year.hazards.rows] == [
            (NUMBER, date(2026, 12, 20), "王科")
        ]
    asked = [said for said in night.hears("leader") if said.startswith("📋")]
    assert [f"（第{attempt}次）" in said for attempt, said in enumerate(asked, 1)] == [True] * 3


def test_an_enterprise_finds_puts_right_and_accepts_its_own(night: Story) -> None:
    night.says("p1", "隐患 罐区 护栏锈蚀")
    night.hears("p1")
    night.hears("h1")
    complete(night, responsible="甲化工巡检员")
    night.hears("h1")
    assert night.hears("p1")[0].startswith(f"🚩 请整改隐患 {NUMBER}")
    night.taps("p1", "有异议")
    night.hears("p1")
    night.says("p1", "护栏属于外包单位")
    assert night.hears("p1") == [f"对隐患 {NUMBER} 的异议已记录，并转给工作人员。"]
    assert night.hears("staff") == [
        f"💬 甲化工巡检员 对隐患 {NUMBER}（甲化工 · 1 罐区，护栏锈蚀）有异议：护栏属于外包单位"
    ]
    night.settle(700)
    photo(night, "p1")
    night.hears("p1")
    night.settle(120)
    night.says("p1", "已整改")
    assert night.hears("p1") == [f"✅ 已用 1124-0001 报隐患 {NUMBER} 整改完成，等待复查验收。"]
    assert "（第1次）" in night.hears("h1")[1]
    night.taps("h1", "通过")
    night.hears("h1")
    assert night.hears("p1")[0].endswith("已由 甲化工负责人 复查验收，辛苦了。")
    assert (hazard(night).state, night.hears("staff")) == ("accepted", [])


def test_a_film_of_another_part_does_not_show_what_was_put_right(night: Story) -> None:
    night.says("p1", "隐患 罐区 护栏锈蚀")
    complete(night, responsible="甲化工巡检员")
    night.hears("h1")
    night.settle(60)
    night.says("p1", f"已整改 {NUMBER}")
    night.hears("p1")
    film(night, "p1", "2")
    assert "1124-0001 拍的不是这家企业的这个部位" in night.hears("p1")
    assert hazard(night).state == "rectifying"
    film(night, "p1", "1")
    assert hazard(night).state == "awaiting_acceptance"
    night.hears("p1")
    night.hears("h1")


def test_an_extension_is_refused_with_a_reason_by_the_office_only(night: Story) -> None:
    chlorine_pipeline(night)
    night.hears("h1")
    night.says("h1", f"申请延期 {NUMBER} 12月20日 等垫片，防护：每班巡检两次")
    night.hears("h1")
    night.hears("staff")
    night.says("h1", f"同意延期 {NUMBER}")
    assert night.hears("h1") == ["甲化工负责人 没有办理这项操作的权限"]
    night.taps("staff", "不同意")
    night.hears("staff")
    night.says("staff", "垫片有现货")
    assert night.hears("staff") == [f"隐患 {NUMBER} 已办理，并通知了对方。"]
    assert night.hears("h1") == [f"❌ 王科 不同意隐患 {NUMBER}（1 罐区）延期：垫片有现货。时限仍为 2026-12-01。"]
    assert hazard(night).deadline == date(2026, 12, 1)


@pytest.mark.slow
def test_reminders_reach_the_phones(night: Story) -> None:
    night.says("p1", "隐患 罐区 护栏锈蚀")
    night.says("h1", f"{NUMBER} 责任人 甲化工负责人 措施 更换 时限 11-25")
    skip_to(night, "08:59")
    night.time("09:01")
    reminded = [said for said in night.hears("h1") if said.startswith("⏰")]
    assert reminded == [
        f"⏰ 您负责的隐患请抓紧整改：\n{NUMBER} 甲化工 1 罐区（护栏锈蚀）：11-25 到期，还有1天\n"
        "整改好后回复“已整改”加编号，并发来同一部位的视频或照片。"
    ]
    night.says("h1", "申请延期 12-20 等材料，防护：拉警戒线")
    night.taps("staff", "同意")
    skip_to(night, "23:49")
    night.time("23:51")
    for who in ("h1", "p1"):
        assert f"🛡️ 今晚请落实延期隐患的防护措施：\n{NUMBER} 1 罐区（护栏锈蚀）：拉警戒线（至 12-20）" in night.hears(
            who
        )
    skip_to(night, "23:51")


# --- on a major-hazard source


def with_source(night: Story) -> None:
    """Part 1 belongs to a major-hazard source: the head, a technician and an operator answer for it."""
    with night.office() as store:
        county = County(store, night.cloud)
        people = [county.person(f"甲化工{name}", ["巡检员"], account, "E001") for name, account in OTHERS.items()]
        source = MajorHazardSource(enterprise_id=1, number="1", name="液氯储存单元", level="一级")
        source.parts = store.register.parts_of(1)[:1]
        source.head_id = row(store, Person, name="甲化工负责人").id
        source.technical_id, source.operation_id = (person.id for person in people)
        store.session.add(source)


OTHERS = {"工程师": "t1", "操作工": "o1"}


def test_who_answers_for_the_operation_of_a_source_is_told_beside_the_head(night: Story) -> None:
    with_source(night)
    judged(night)
    night.settle(10)
    heard = {who: night.hears(who)[1].split("：")[0] for who in ("h1", "p1", "o1")}
    assert heard == dict.fromkeys(("h1", "p1", "o1"), f"🚩 李局 登记了隐患 {NUMBER}")
    assert night.hears("t1") == []
    complete(night)
    assert night.hears("h1")[1].startswith(f"🚩 请整改隐患 {NUMBER}")
    assert (night.hears("o1"), night.hears("t1")) == ([], [])


def test_all_who_answer_for_a_source_are_told_of_a_major_hazard_and_may_not_accept_it(night: Story) -> None:
    with_source(night)
    with night.office() as store:
        ctx, staff = Context(store, night.bot.uow.rules(store), night.clock.now()), row(store, Person, name="王科")
        fields = {
            "part_id": 1,
            "matter": "液氯储罐未设切断阀",
            "responsible": "甲化工操作工",
            "measure": "加装切断阀",
            "deadline": date(2026, 12, 20),
            "level": "major",
            "criterion": "AQ 3067-2026 5.1.5",
        }
        add_hazard(HazardDraft(1, fields), actor_of(staff, store), ctx)
    night.settle()
    for who in ("h1", "t1", "o1"):
        assert night.hears(who)[0].startswith(f"🚩 请整改隐患 {NUMBER}：甲化工 · 1 罐区，液氯储罐未设切断阀。")
    night.settle(60)
    night.says("t1", f"已整改 {NUMBER}")
    photo(night, "t1")
    night.hears("t1")
    night.hears("staff")
    for who in ("o1", "t1", "h1"):
        night.says(who, f"通过 {NUMBER}")
        assert hazard(night).state == "awaiting_acceptance"
        night.hears(who)
