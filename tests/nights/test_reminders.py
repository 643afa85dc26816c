"""The waves: who is named, who is not, and what becomes of a wave that could not be said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.engine import DELIVER, TAKE_IN
from storage.db.models import Enterprise, GroupChat, Submission
from storage.inbox import InboundMessage, store_messages_autocommit
from tests.harness import NIGHT, Story, at, row, story


def just_decided(night: Story, instant: str) -> list[int]:
    """Turn the clock to a wave and let it be decided, but not yet said."""
    night.clock.instant = at(instant)
    night.bot.worker.run_tick()
    with night.bot.uow.read() as store:
        due = [notice for notice in store.notices.of_night(NIGHT) if notice.state == "due"]
        return [notice.id for notice in due if notice.kind == "reminder"]


def done(night: Story, *who: str) -> None:
    """These have filmed their one part."""
    for each in who:
        night.film(each)
        night.hears(each)


def test_who_sends_between_the_decision_and_the_sending_is_not_named(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=1) as night:
        [notice] = just_decided(night, "01:37")
        night.film("p1", settle=False)
        night.bot.worker.run_job(TAKE_IN, 1)
        night.bot.worker.run_job(DELIVER, notice)
        [heard] = night.group_hears("KEY")
        assert "还差2家：乙化工、丙化工" in heard.text
        assert heard.mentioned_list == ("p2", "p3")
        night.hears("p1")


def test_a_wave_that_has_become_untrue_for_all_is_not_said(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        just_decided(night, "01:37")
        night.film("p1", settle=False)
        night.bot.worker.run_job(TAKE_IN, 1)
        night.settle()
        night.hears("p1")
        assert [notice["state"] for notice in night.notices("reminder")] == ["cancelled"]
        night.time("05:30")


def test_a_film_still_being_fetched_is_not_accused(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1) as night:
        night.time("01:30")
        [inbox] = store_messages_autocommit(
            night.bot.uow.database, [InboundMessage("wecom_app", "k", "<xml/>")], night.clock.now()
        ).values()
        with night.office() as store:
            enterprise = row(store, Enterprise, code="E001")
            store.inbox.finish(inbox, "done")
            common: dict[str, Any] = {"channel": "wecom_app", "message_key": "k", "inbox_id": inbox, "realm": "wecom"}
            store.session.add(
                Submission(
                    night=NIGHT,
                    number=1,
                    sender="p1",
                    canonical_sender="p1",
                    person_id=1,
                    enterprise_id=enterprise.id,
                    kind="film",
                    sent_at=night.clock.now(),
                    received_at=night.clock.now(),
                    state="receiving",
                    attribution="unattributed",
                    marks=[],
                    **common,
                )
            )
        night.time("01:37")
        assert "还差1家：乙化工" in night.group_hears("KEY")[0].text


def test_the_wave_names_a_partial_enterprise_with_its_missing_parts_and_no_complete_one(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=3, parts=3) as night:
        night.time("00:10")
        for part in ("1", "2", "3"):
            night.says("p1", part)
            night.film("p1")
        night.says("p2", "2")
        night.film("p2")
        night.hears("p1"), night.hears("p2")
        night.time("01:37")
        [heard] = night.group_hears("KEY")
        assert "还差2家：乙化工（缺1 罐区、3 泵房）、丙化工\n" in heard.text
        assert heard.mentioned_list == ("p2", "p3")


def test_sixty_missing_are_named_row_by_row_without_cuts_or_repeats(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=60, parts=3) as night:
        with night.office() as store:
            for each in store.session.query(Enterprise):
                each.short_name = f"{each.short_name}新材料科技（精细化工）股份"
        night.time("01:30")
        for number in range(9, 40):
            night.says(f"p{number}", "2", settle=False)
            night.film(f"p{number}", settle=False, tag="one for all")
        night.settle()
        [night.hears(f"p{number}") for number in range(9, 40)]
        night.time("01:39")
        heard = night.group_hears("KEY")
        assert len(heard) > 2
        assert all(len(each.text.encode()) <= 2048 for each in heard)
        rows = [each.text.splitlines()[1].split("：", 1) for each in heard]
        counts = [head for head, _ in rows]
        firsts = [int(head.split("第")[1].split("–")[0]) for head in counts]
        lasts = [int(head.split("–")[1].split("家")[0]) for head in counts]
        assert firsts == [1, *(last + 1 for last in lasts[:-1])]
        assert lasts[-1] == 60
        assert all(head.startswith("还差60家") for head in counts)
        named = "、".join(names for _, names in rows)
        with night.bot.uow.read() as store:
            shorts = [each.short_name for each in store.session.query(Enterprise)]
        assert [named.count(short) for short in shorts] == [1] * 60
        mentioned = [account for each in heard for account in each.mentioned_list]
        assert sorted(mentioned) == sorted(f"p{number}" for number in range(1, 61))
        for each, (_, names) in zip(heard, rows, strict=True):
            assert len(each.mentioned_list) == names.count("新材料科技")


def test_each_group_hears_one_message_of_its_own_enterprises(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=4, parts=1) as night:
        with night.office() as store:
            second = GroupChat(name="二群", robot_key="SECOND")
            store.session.add(second)
            store.session.flush()
            for code in ("E003", "E004"):
                row(store, Enterprise, code=code).group_id = second.id
        night.cloud.add_robot("SECOND", "二群")
        night.time("01:37")
        [first], [other] = night.group_hears("KEY"), night.group_hears("SECOND")
        assert "还差2家：甲化工、乙化工" in first.text
        assert "还差2家：丙化工、丁化工" in other.text
        night.bot.worker.run_tick()
        night.settle(30)


def test_a_wave_slept_through_is_made_up_once(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.asleep("04:00")
        night.settle()
        assert [each.text.split(" ")[1] for each in night.group_hears("KEY")] == ["03:07"]
        night.time("04:36")
        assert night.group_hears("KEY") == []


def test_a_wave_is_not_made_up_once_the_window_is_over(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.asleep("06:00:01")
        night.settle()
        assert night.group_hears("KEY") == []
        assert len(night.hears("leader")) == 2, "the alert is still due"
        night.says("leader", "已知悉")
        night.hears("leader")
        assert ["催报因本系统原因发晚或没有发出" in text for text in night.hears("staff")] == [True]


def test_an_enterprise_without_a_group_is_reminded_through_its_people(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2, parts=1, in_group=False) as night:
        night.time("01:30")
        done(night, "p2")
        night.time("01:37")
        text = "⏰ 01:37 催报：甲化工今晚的夜巡视频还没有报齐，请在 06:00 前拍好发来。"
        assert (night.hears("p1"), night.hears("h1")) == ([text], [text])


def test_messages_that_wait_are_worked_off_before_a_wave_but_not_for_ever(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        store_messages_autocommit(
            night.bot.uow.database, [InboundMessage("wecom_app", "stuck", "<xml/>")], night.clock.now()
        )
        with night.office() as store:
            store.inbox.claim_undispatched(1)  # and the engine lost it
        night.clock.instant = at("01:37")
        night.settle()
        assert night.group_hears("KEY") == []
        night.settle(599)
        assert night.group_hears("KEY") == []
        night.settle(1)
        assert len(night.group_hears("KEY")) == 1


def test_a_robot_that_was_removed_is_told_to_the_office_once_a_day(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.cloud.remove_robot("KEY")
        night.time("03:08")
        [told] = night.hears("staff")
        assert told.startswith("⚠️ 群机器人发不出消息（夜巡工作群，错误码 93000）。")
        assert [notice["state"] for notice in night.notices("reminder")] == ["failed", "failed"]
        night.cloud.violations.clear()


def test_a_robot_that_is_too_busy_is_asked_again_when_its_minute_is_over(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.cloud.faults.inject("webhook/send", errcode=45009)
        night.time("01:37")
        assert night.group_hears("KEY") == []
        night.settle(61)
        assert len(night.group_hears("KEY")) == 1
        night.cloud.violations.clear()


def test_after_the_last_minute_no_wave_is_said(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1, rules={"催报时间": "05:01"}) as night:
        just_decided(night, "05:01")
        night.clock.instant = at("06:00") + timedelta(seconds=1)
        night.engine.run_due(night.clock.instant)
        assert [notice["state"] for notice in night.notices("reminder")] == ["expired"]
