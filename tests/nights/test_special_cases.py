"""Special cases, each with the outcome that was agreed."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from handlers.unplaced_films import attach_film
from schedules.patrol_night import submission_window
from schedules.reports.daily import daily_report
from storage.db.models import DutyShift, Employment, Enterprise, InboxRow, KeyPart, Person
from tests.harness import NIGHT, County, Story, at, film_bytes, row, story


def marks(night: Story, code: str, number: str, of: date = NIGHT) -> list[list[str]]:
    """The marks of each film of a part."""
    return [film["marks"] for film in night.part(code, number, of)["submissions"]]


def test_a_night_is_named_by_its_morning_and_the_shift_by_the_evening(tmp_path: Path) -> None:
    """Case 1."""
    with story(tmp_path, roster=False) as night:
        with night.office() as store:
            for days, account in ((-1, "backup"), (0, "leader")):
                person = row(store, Person, name={"leader": "李局", "backup": "赵局"}[account])
                store.session.add(DutyShift(day=NIGHT + timedelta(days=days), post="leader", person_id=person.id))
        night.time("00:01")
        night.film("p1", settle=False, at=at("-23:59"))
        night.says("p1", "1")
        assert night.hears("p1")[0].startswith("收到 1124-0001（提前）")
        night.time("05:07")
        assert len(night.hears("backup")) == 2, "the shift that began on the 23rd covers the night of the 24th"
        night.says("backup", "已知悉")
        assert night.hears("backup") == ["已记下，由您负责，不再通知其他人。"]
        assert len(night.group_hears("KEY")) == 3


def test_a_film_from_before_midnight_is_kept_and_a_fresh_one_asked_for(night: Story) -> None:
    """Case 2."""
    night.time("00:01")
    night.says("p1", "1", at=at("-23:58"))
    night.film("p1", at=at("-23:58"))
    [early] = night.hears("p1")
    assert early == (
        "收到 1124-0001（提前）\n甲化工 · 1 罐区\n23:58 发送，早于 00:00。"
        "已留存，但今晚的巡检要在 00:00 之后拍，到时请再发一段，辛苦了。"
    )
    assert night.part("E001", "1")["state"] == "unjudged"
    assert marks(night, "E001", "1") == [["early"]]
    night.film("p1")
    night.says("p1", "1")
    assert "今晚 1/2" in night.hears("p1")[0]
    assert night.part("E001", "1")["state"] == "on_time"


def test_what_was_sent_in_time_is_in_time_however_late_it_arrives(night: Story) -> None:
    """Case 3."""
    night.asleep("06:10")
    night.says("p1", "1", settle=False, at=at("05:57"))
    night.film("p1", at=at("05:58"))
    assert night.hears("p1")[0].startswith("✅ 收到 1124-0001")
    assert night.part("E001", "1")["state"] == "on_time"
    [film] = night.part("E001", "1")["submissions"]
    assert (film["sent_at"], film["received_at"]) == ("2026-11-24T05:58:00+08:00", "2026-11-24T06:10:00+08:00")
    night.hears("leader")
    assert ["催报因本系统原因发晚" in text for text in night.hears("staff")] == [True]


@pytest.mark.parametrize(
    ("sent", "state", "opening"),
    [("06:00:00", "on_time", "✅ 收到"), ("06:00:01", "late", "🕖 收到"), ("12:00:00", "late", "🕖 收到")],
)
def test_until_noon_a_film_is_late_and_counts(tmp_path: Path, sent: str, state: str, opening: str) -> None:
    """Case 4."""
    with story(tmp_path, start=f"{sent[:2]}:{sent[3:]}", enterprises=1, parts=1) as night:
        night.film("p1")
        assert night.hears("p1")[0].startswith(opening)
        assert night.state("E001") == state


def test_after_noon_a_film_is_kept_and_the_night_stays_missing(tmp_path: Path) -> None:
    """Case 5."""
    with story(tmp_path, start="12:00:01", enterprises=1, parts=1) as night:
        night.film("p1")
        assert "事后补报" in night.hears("p1")[0]
        assert night.state("E001") == "missing"
        assert marks(night, "E001", "1") == [["supplied_afterwards"]]


def test_after_an_outage_a_film_belongs_to_the_night_in_which_it_was_sent(tmp_path: Path) -> None:
    """Case 6."""
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.asleep("00:30", NIGHT + timedelta(days=1))
        night.film("p1", at=at("05:30"))
        night.film("p1")
        first, second = night.hears("p1")
        assert first.startswith("✅ 收到 1124-0001")
        assert second.startswith("✅ 收到 1125-0001")
        assert night.state("E001") == "on_time"
        assert night.state("E001", NIGHT + timedelta(days=1)) == "on_time"
        for who in ("leader", "backup", "staff"):
            night.hears(who)


def test_of_two_patrollers_of_one_part_both_films_are_kept_and_the_good_one_counts(tmp_path: Path) -> None:
    """Case 7."""
    with story(tmp_path, parts=1) as night:
        with night.office() as store:
            County(store, night.cloud).person("甲化工夜班", ["巡检员"], "p1b", "E001")
        night.time("00:10")
        night.film("p1", seconds=3)
        night.film("p1b")
        night.film("p1b")
        assert "不足10秒" in night.hears("p1")[0]
        assert [text.splitlines()[0] for text in night.hears("p1b")] == ["✅ 收到 1124-0002", "✅ 收到 1124-0003"]
        assert [film["state"] for film in night.part("E001", "1")["submissions"]] == ["unfit", "filed", "filed"]
        assert night.state("E001") == "on_time"


def two_plants(night: Story) -> None:
    """One patroller films for the first and for the second enterprise."""
    with night.office() as store:
        patroller, second = row(store, Person, name="甲化工巡检员"), row(store, Enterprise, code="E002")
        store.session.add(Employment(person_id=patroller.id, enterprise_id=second.id))


def test_who_films_for_two_enterprises_is_asked_once_a_night(tmp_path: Path) -> None:
    """Case 8."""
    with story(tmp_path, parts=1) as night:
        two_plants(night)
        night.time("00:10")
        night.film("p1")
        night.settle(6)
        card, words = night.hears("p1")
        assert card.startswith("1124-0001 是哪家企业的？")
        assert "甲化工、乙化工" in words
        night.taps("p1", "乙化工")
        assert night.hears("p1")[0].splitlines()[1] == "乙化工 · 1 罐区"
        night.film("p1")
        assert night.hears("p1")[0].splitlines()[1] == "乙化工 · 1 罐区", "the answer holds for the night"
        night.says("p1", "甲化工")
        night.film("p1")
        assert night.hears("p1")[-1].splitlines()[1] == "甲化工 · 1 罐区"
        night.time("00:10", NIGHT + timedelta(days=1))
        night.group_hears("KEY")
        for who in ("leader", "backup", "staff"):
            night.hears(who)
        night.film("p1")
        night.settle(6)
        assert night.hears("p1")[0].startswith("1125-0001 是哪家企业的？"), "tomorrow it is asked again"


def test_while_it_is_open_whose_film_it_is_neither_enterprise_is_accused(tmp_path: Path) -> None:
    """Case 8."""
    with story(tmp_path, parts=1, enterprises=3) as night:
        two_plants(night)
        night.time("00:10")
        night.film("p1")
        night.settle(6)
        night.hears("p1")
        night.time("01:37")
        [wave] = night.group_hears("KEY")
        assert "还差1家：丙化工" in wave.text
        assert [each["state"] for each in night.view()["enterprises"]] == ["unjudged"] * 3
        [film] = night.view()["unattributed"]
        assert film["candidates"] == ["E001", "E002"]
        assert film["channel"] == "wecom_app"


def test_an_enterprise_without_a_group_is_not_accused_either_while_its_film_has_no_name(tmp_path: Path) -> None:
    """Case 8."""
    with story(tmp_path, parts=1, enterprises=2, in_group=False) as night:
        two_plants(night)
        night.time("01:30")
        night.film("p1")
        night.settle(6)
        night.hears("p1")
        night.time("01:38")
        view = night.view()
        assert [each["state"] for each in view["enterprises"]] == ["unjudged", "unjudged"]
        assert [each for each in view["notices"] if each["kind"] == "reminder" and each["state"] == "sent"] == []


def test_a_strangers_film_is_kept_and_counts_by_its_sent_time_once_attached(tmp_path: Path) -> None:
    """Case 9."""
    with story(tmp_path, parts=1) as night:
        night.cloud.add_member("unknown")
        night.time("05:50")
        [night.hears(who) for who in ("leader", "backup", "staff")]
        night.group_hears("KEY")
        night.film("unknown")
        assert night.hears("unknown")[0].startswith("已收到 1124-0001，先替您保管")
        [kept] = night.view()["quarantined"]
        assert (kept["sender"], kept["state"], kept["candidates"]) == ("unknown", "filed", [])
        night.time("06:30")
        with night.office() as store:
            attach_film("1124-0001", "E001", "1", night.bot.uow.context(store), "王科")
        night.settle()
        assert night.hears("unknown")[0].startswith("✅ 收到 1124-0001")
        assert night.state("E001") == "on_time"
        assert night.view()["quarantined"] == []


def test_a_photo_is_kept_but_is_no_film(tmp_path: Path) -> None:
    """Case 10."""
    with story(tmp_path, parts=1, enterprises=1) as night:
        night.time("00:10")
        night.cloud.phone("p1").sends_photo()
        night.settle()
        [text] = night.hears("p1")
        assert text == "📷 照片已留存（1124-0001）。照片不能代替巡检视频，请再拍一段10秒以上的视频发来。"
        assert [film["state"] for film in night.part("E001", "1")["submissions"]] == ["supporting"]
        night.time("06:01")
        assert night.state("E001") == "missing"
        night.group_hears("KEY")
        [night.hears(who) for who in ("leader", "backup", "staff")]
        night.time("07:38")
        with night.bot.uow.read() as store:
            report = daily_report(night.bot.uow.context(store), NIGHT)
        assert report.rows[0].remarks == ("photo_only",)
        [night.hears(who) for who in ("leader", "backup", "staff")]


def test_a_file_is_a_film_if_it_proves_to_be_one(tmp_path: Path) -> None:
    """Case 11."""
    with story(tmp_path, parts=2) as night:
        night.time("00:10")
        night.cloud.phone("p1").sends_file(film_bytes(12, "sent as a file"), "装卸台.mp4")
        night.settle()
        assert night.hears("p1")[0].splitlines()[1] == "甲化工 · 2 装卸台", "the file's name tells the part"
        night.cloud.phone("p2").sends_file(b"%PDF-1.7 not a film at all", "报告.pdf")
        night.settle()
        assert night.hears("p2") == ["⚠️ 1124-0002（00:10）打不开，不是视频。请用手机直接拍一段10秒以上的视频发来。"]
        assert (night.state("E001"), night.state("E002")) == ("unjudged", "unjudged")


def test_a_link_cannot_be_read_and_that_is_said(night: Story) -> None:
    """Case 11."""
    night.cloud.phone("p1").sends_link("视频号", "https://channels.example.org/1")
    night.settle()
    assert night.hears("p1") == ["这种消息我看不了，已留存。巡检请直接发视频；有险情请发文字“险情”。"]


def test_films_in_a_burst_are_asked_about_one_after_the_other(tmp_path: Path) -> None:
    """Case 12."""
    with story(tmp_path, parts=3) as night:
        night.time("00:10")
        for _ in range(3):
            night.film("p1", settle=False)
        night.settle()
        night.settle(6)
        card, _ = night.hears("p1")
        assert card.startswith("1124-0001 拍的是哪个部位？")
        night.taps("p1", "3 泵房")
        assert "今晚 1/3" in night.hears("p1")[0]
        night.settle(6)
        assert night.hears("p1")[0].startswith("1124-0002 拍的是哪个部位？")
        night.says("p1", "1")
        assert "1 罐区" in night.hears("p1")[0]
        night.says("p1", "2")
        assert "今晚的部位都齐了" in night.hears("p1")[0]
        assert night.state("E001") == "on_time"


def test_a_film_of_an_earlier_night_is_marked_and_a_fresh_one_asked_for(tmp_path: Path) -> None:
    """Case 14."""
    with story(tmp_path, start="05:00", enterprises=1, parts=1) as night:
        night.film("p1", tag="the same")
        night.hears("p1")
        night.time("00:30", NIGHT + timedelta(days=1))
        [night.hears(who) for who in ("leader", "backup", "staff")]
        night.film("p1", tag="the same")
        assert night.hears("p1")[0].endswith("⚠️ 这段视频和以前某一夜的完全相同，请补拍一段今晚的。")
        assert marks(night, "E001", "1", NIGHT + timedelta(days=1)) == [["seen_in_earlier_night"]]
        assert night.state("E001", NIGHT + timedelta(days=1)) == "on_time", "a person decides, not the mark"


def test_one_film_for_two_enterprises_is_marked_at_both(tmp_path: Path) -> None:
    """Case 15."""
    with story(tmp_path, enterprises=2, parts=1) as night:
        night.time("00:10")
        night.film("p1", tag="the same")
        night.film("p2", tag="the same")
        assert "另一家企业" not in night.hears("p1")[0]
        assert "⚠️ 这段视频与另一家企业的完全相同，工作人员会核对。" in night.hears("p2")[0]
        assert marks(night, "E001", "1") == marks(night, "E002", "1") == [["seen_at_other_enterprise"]]


def test_a_film_whose_enterprise_is_named_later_is_compared_then(tmp_path: Path) -> None:
    """Case 15."""
    with story(tmp_path, enterprises=3, parts=1) as night:
        two_plants(night)
        night.time("00:10")
        night.film("p3", tag="the same")
        night.film("p1", tag="the same")
        night.settle(6)
        [night.hears(who) for who in ("p1", "p3")]
        night.taps("p1", "乙化工")
        assert "另一家企业" in night.hears("p1")[0]
        assert marks(night, "E002", "1") == marks(night, "E003", "1") == [["seen_at_other_enterprise"]]


def test_when_too_many_are_silent_no_enterprise_is_accused_and_staff_are_told(tmp_path: Path) -> None:
    """Case 20."""
    with story(tmp_path, enterprises=5, parts=1, rules={"集体缺报阈值": "40%"}) as night:
        for who in ("p1", "p2"):
            night.time("00:10")
            night.film(who)
            night.hears(who)
        night.time("01:37")
        assert night.group_hears("KEY") == []
        [told] = night.hears("staff")
        assert told == (
            "⚠️ 01:37 催报没有发出：5家里有3家一段视频都没到，更像是微信或本系统出了故障，而不是企业没拍。"
            "请先核实收发是否正常。"
        )
        night.film("p3")
        night.hears("p3")
        night.time("03:07")
        assert "还差2家：丁化工、戊化工" in night.group_hears("KEY")[0].text, "40 % is not over 40 %"


def test_an_empty_step_of_the_ladder_does_not_wait(tmp_path: Path) -> None:
    """Case 21."""
    with story(tmp_path, start="02:00", roster=False) as night:
        with night.office() as store:
            for post, name in (("leader", "李局"), ("staff", "王科")):
                person = row(store, Person, name=name)
                store.session.add(DutyShift(day=NIGHT - timedelta(days=1), post=post, person_id=person.id))
        night.says("p1", "险情，二号泵漏")
        assert len(night.hears("leader")) == 2
        assert len(night.hears("p1")) == 1
        night.time("02:09")
        assert night.hears("staff") == []
        night.time("02:10")
        assert len(night.hears("staff")) == 2, "there is no backup tonight, so the ladder does not wait for one"
        night.says("staff", "已知悉")
        night.hears("staff"), night.hears("p1")


def test_a_step_without_a_reached_person_is_not_waited_for(tmp_path: Path) -> None:
    """Case 21."""
    with story(tmp_path, start="02:00") as night:
        del night.cloud.members["leader"]
        night.says("p1", "险情，二号泵漏")
        night.hears("p1")
        night.settle()
        assert len(night.hears("backup")) == 2, "the leader cannot be reached, so the backup is told at once"
        night.says("backup", "已知悉")
        night.hears("backup"), night.hears("p1")
        night.cloud.violations.clear()


def test_an_empty_roster_is_reported_at_three_and_the_night_still_alerts_a_person(tmp_path: Path) -> None:
    """Case 22."""
    with story(tmp_path, start="-14:55", enterprises=1, parts=1, roster=False) as night:
        night.time("-14:59")
        night.time("-15:00")
        [gap] = night.hears("staff")
        assert gap.startswith("⚠️ 值班表里 11-23 没有值班领导（11-24 凌晨的夜巡归这一班）。")
        night.time("05:07")
        assert len(night.group_hears("KEY")) == 3
        assert (len(night.hears("leader")), len(night.hears("backup"))) == (2, 2), "every leader stands in"
        night.says("leader", "已知悉")
        assert night.hears("leader") == ["已记下，由您负责，不再通知其他人。"]


def test_a_leader_who_cannot_be_reached_is_told_at_three(tmp_path: Path) -> None:
    """Case 22."""
    with story(tmp_path, start="-14:55") as night:
        with night.office() as store:
            store.register.unbind_all(row(store, Person, name="李局").id, night.clock.now())
        night.time("-15:00")
        assert night.hears("staff") == [
            "⚠️ 11-23 的值班领导 李局 没有绑定企业微信账号，夜里联系不到。请补登账号或换人。"
        ]


def stop(night: Story, *kept: str) -> None:
    """The first enterprise stops production; these parts stay due."""
    with night.office() as store:
        enterprise = row(store, Enterprise, code="E001")
        enterprise.status = "停产"
        for number in kept:
            row(store, KeyPart, enterprise_id=enterprise.id, number=number).required_in_shutdown = True


def test_while_production_has_stopped_the_parts_kept_stay_due(tmp_path: Path) -> None:
    """Case 26."""
    with story(tmp_path, enterprises=1, parts=3) as night:
        stop(night, "1")
        night.time("01:37")
        assert "还差1家：甲化工" in night.group_hears("KEY")[0].text
        assert [night.part("E001", number)["state"] for number in "123"] == ["unjudged", "exempt", "exempt"]
        night.film("p1")
        night.says("p1", "1")
        assert "今晚 1/1\n今晚的部位都齐了" in night.hears("p1")[0]
        assert night.view()["counts"] == {
            "expected": 1,
            "on_time": 1,
            "late": 0,
            "partial": 0,
            "missing": 0,
            "exempt": 0,
            "unjudged": 0,
        }


def test_a_stopped_enterprise_with_nothing_to_film_is_exempt_and_its_film_is_answered(tmp_path: Path) -> None:
    """Case 26."""
    with story(tmp_path, enterprises=2, parts=1) as night:
        stop(night)
        night.time("01:37")
        assert "还差1家：乙化工" in night.group_hears("KEY")[0].text
        assert night.view()["counts"]["exempt"] == 1
        night.film("p1")
        assert night.hears("p1")[0].endswith("贵单位停产期间本部位免拍，视频已留存。")
        assert [film["state"] for film in night.part("E001", "1")["submissions"]] == ["filed"]
        assert night.state("E001") == "exempt"
        night.hears("staff")


def test_a_film_from_where_production_has_stopped_is_told_to_the_office_once(tmp_path: Path) -> None:
    """Case 27."""
    with story(tmp_path, enterprises=1, parts=2) as night:
        stop(night, "1")
        night.time("00:10")
        night.film("p1")
        assert "1 罐区" in night.hears("p1")[0], "one part is left to film: no words are needed"
        assert night.hears("staff") == [], "the part kept is filmed as agreed"
        night.says("p1", "2", settle=False)
        night.film("p1")
        assert night.hears("staff") == [
            "📋 甲化工登记为停产，今晚却拍来了免拍部位 2 装卸台 的视频（1124-0002）。请核实是否已经复产。"
        ]
        night.says("p1", "2", settle=False)
        night.film("p1")
        assert night.hears("staff") == []
        assert len(night.hears("p1")) == 2


def test_a_later_register_does_not_judge_a_closed_night_anew(tmp_path: Path) -> None:
    """Case 28."""
    with story(tmp_path, start="04:50", enterprises=1, parts=1) as night:
        night.film("p1")
        night.hears("p1")
        night.time("12:01")
        [night.hears(who) for who in ("leader", "backup", "staff")]
        with night.office() as store:
            enterprise = row(store, Enterprise, code="E001")
            enterprise.name = enterprise.short_name = "改了名的企业"
            store.session.add(KeyPart(enterprise_id=enterprise.id, number="2", name="新部位"))
            store.session.add(Enterprise(code="E009", name="新企业", short_name="新企业"))
        [before], after = night.view()["enterprises"], night.view(NIGHT + timedelta(days=1))["enterprises"]
        assert (before["name"], before["state"], len(before["parts"])) == ("甲化工有限公司", "on_time", 1)
        assert [each["name"] for each in after] == ["改了名的企业", "新企业"]


def test_a_person_who_can_no_longer_be_reached_is_reported_to_the_office(night: Story) -> None:
    """Case 29."""
    night.cloud.phone("p1").sends_event("unsubscribe", {"EventKey": ""})
    night.settle()
    assert night.hears("staff") == ["⚠️ 甲化工巡检员 已离开企业微信应用的可见范围，机器人今后无法联系此人。"]


def test_instants_are_kept_in_utc_and_judged_where_the_county_is(tmp_path: Path, monkeypatch: object) -> None:
    """Case 31."""
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("05:59")
        night.group_hears("KEY")
        [night.hears(who) for who in ("leader", "backup", "staff")]
        night.clock.instant = night.clock.instant.astimezone(UTC)
        night.film("p1")
        assert "发送时间 05:59" in night.hears("p1")[0]
        assert night.state("E001") == "on_time"
        with night.bot.uow.database.engine.connect() as connection:
            [kept] = connection.exec_driver_sql("select sent_at from submission").scalars()
        assert str(kept).startswith("2026-11-23 21:59:00")


def test_every_window_of_these_years_is_six_hours_long(night: Story) -> None:
    """Case 32."""
    with night.bot.uow.read() as store:
        book = night.bot.uow.rules(store)
    for days in range(365 * 4):
        span = submission_window(date(2026, 1, 1) + timedelta(days=days), book)
        assert (span.closes - span.opens.astimezone(UTC)) == timedelta(hours=6)
        assert span.opens.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(("morning", "receipt"), [(date(2028, 2, 29), "0229-0001"), (date(2027, 1, 1), "0101-0001")])
def test_leap_day_and_new_year_are_nights_like_any_other(tmp_path: Path, morning: date, receipt: str) -> None:
    """Case 33."""
    with story(tmp_path, night=morning, enterprises=1, parts=1) as night:
        night.time("00:10", morning)
        night.film("p1")
        assert receipt in night.hears("p1")[0]
        assert night.state("E001", morning) == "on_time"


def test_a_film_without_a_name_at_report_time_is_reported_as_not_judged(tmp_path: Path) -> None:
    """Case 35."""
    with story(tmp_path, start="05:50", enterprises=1, parts=2) as night:
        night.film("p1")
        night.film("p1")
        night.settle(6)
        night.hears("p1")
        night.time("07:37")
        assert night.view()["counts"]["unjudged"] == 1
        for who in ("leader", "backup", "staff"):
            text, _ = night.hears(who)
            assert "未报0" in text
            assert "待判：甲化工有限公司" in text
        night.hears("p1")


def test_a_film_withdrawn_in_the_chat_stays(tmp_path: Path) -> None:
    """Case 37."""
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:10")
        sent = night.film("p1")
        night.hears("p1")
        night.cloud.phone("p1").sends_event("recall_msg", {"EventKey": str(sent.msg_id)})
        night.settle()
        assert night.state("E001") == "on_time"
        with night.bot.uow.read() as store:
            kept = store.session.query(InboxRow).all()
        assert [("recall_msg" in each.raw, each.state) for each in kept] == [(False, "done"), (True, "done")]


def test_nonsense_is_answered_a_few_times_and_reaches_no_other_person(night: Story) -> None:
    """Case 40."""
    night.cloud.add_member("joker")
    for who in ("joker", "p1"):
        for number in range(12):
            night.says(who, f"哈哈哈{'！' * number}")
            night.settle(61)
        assert len(night.hears(who)) == 7, "five in ten minutes, and two more in the minutes after"
    night.clock.instant += timedelta(minutes=11)
    night.says("joker", "在吗")
    assert len(night.hears("joker")) == 1


def test_a_joker_who_cries_danger_again_and_again_rings_once(night: Story) -> None:
    """Case 40."""
    night.cloud.add_member("joker")
    for number in range(3):
        night.says("joker", f"险情{'！' * number}")
        night.settle(61)
    assert len(night.hears("joker")) == 3
    card, text, *more = night.hears("leader")
    assert (card[:4], text[:5]) == ("🚨 险情", "🚨 险情！")
    assert [each.startswith("🚨 未登记的人员 joker") for each in more] == [True, True]
    night.says("leader", "已知悉")
    night.hears("leader"), night.hears("joker")
