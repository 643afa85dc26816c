"""Our own downtime: the outage ledger, the windows it lengthens, and the notices about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.monitoring.outage_recorder import Heartbeat
from storage.outages import PROCESSING, RECEIVING
from tests.harness import NIGHT, Story, at, story


def alive(night: Story, what: str = RECEIVING) -> None:
    """A process started just now says that it is there."""
    with night.office() as store:
        Heartbeat(night.clock).beat(store, what)


def away(night: Story, since: str, until: str, what: str = RECEIVING) -> None:
    """The service ends at an instant and is there again at another."""
    night.time(since)
    alive(night, what)
    night.asleep(until)
    alive(night, what)
    night.settle()


def window(night: Story) -> list[str]:
    return [instant[11:16] for instant in night.view()["window"]]


def test_a_night_in_which_we_were_away_is_lengthened_by_that_and_half_an_hour(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        away(night, "00:30", "01:30")
        assert window(night) == ["00:00", "07:30"]
        [outage] = night.view()["outages"]
        assert (outage["what"], outage["began_at"][11:16], outage["ended_at"][11:16]) == ("receiving", "00:30", "01:30")
        expect_more_time(night, "00:30–01:30", "07:30")
        night.time("07:00")
        reminded(night)
        assert night.state("E001") == "unjudged"
        night.film("p1")
        assert (night.state("E001"), night.part("E001", "1")["submissions"][0]["marks"]) == ("on_time", [])
        [receipt] = night.hears("p1")
        assert "迟" not in receipt
        night.time("07:40")
        reported = [words for who in ("leader", "backup", "staff") for words in night.hears(who)]
        assert sum("截止顺延到 07:30" in words for words in reported) == 3
        night.hears("h1")


def expect_more_time(night: Story, between: str, closes: str) -> None:
    """The group is told how much time there is now, the office that no enterprise counts as late."""
    [told] = night.group_hears("KEY")
    assert (between in told.text, f"顺延到 {closes}" in told.text, "再发一次" in told.text) == (True, True, True)
    [office] = night.hears("staff")
    assert ("不算企业迟报" in office, between in office) == (True, True)


def reminded(night: Story) -> None:
    """Read the messages to people who have sent nothing."""
    night.group_hears("KEY")
    for who in ("leader", "backup", "staff"):
        night.hears(who)


def test_no_enterprise_is_missing_before_the_lengthened_window_is_over(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        away(night, "01:00", "05:50")
        assert window(night)[1] == "11:20"
        night.time("11:20")
        assert night.view()["counts"]["missing"] == 0
        night.time("11:21")
        assert night.view()["counts"]["missing"] == 1
        reminded(night)


def test_the_daily_report_waits_until_the_lengthened_window_is_over(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        away(night, "01:00", "05:00")
        reminded(night)
        night.time("10:25")
        assert [words for words in night.hears("staff") if "日报" in words] == []
        night.time("10:32")
        assert len([words for words in night.hears("staff") if "日报" in words]) == 2
        reminded(night)


def test_an_outage_after_the_window_lengthens_nothing_and_sends_no_notice(tmp_path: Path) -> None:
    with story(tmp_path, "00:10", enterprises=1, parts=1) as night:
        night.film("p1")
        night.hears("p1")
        away(night, "06:10", "07:00")
        assert window(night) == ["00:00", "06:00"]
        assert (night.hears("staff"), night.group_hears("KEY")) == ([], [])


def test_an_outage_of_the_workers_is_recorded_and_excuses_no_enterprise(tmp_path: Path) -> None:
    with story(tmp_path, "00:10", enterprises=1, parts=1) as night:
        night.film("p1")
        night.hears("p1")
        away(night, "02:00", "03:00", PROCESSING)
        assert (window(night), [each["what"] for each in night.view()["outages"]]) == (["00:00", "06:00"], [PROCESSING])
        [told] = night.hears("staff")
        assert "视频没有丢" in told


def test_a_restart_is_no_outage(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        away(night, "00:30", "00:31")
        assert (night.view()["outages"], window(night)[1]) == ([], "06:00")


def test_a_clock_that_is_put_forward_is_no_outage_for_a_process_that_was_there(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:30")
        heartbeat = Heartbeat(night.clock)
        with night.office() as store:
            heartbeat.beat(store, RECEIVING)
        night.clock.instant += timedelta(hours=2)
        with night.office() as store:
            heartbeat.beat(store, RECEIVING)
        assert night.view()["outages"] == []
        night.clock.instant -= timedelta(hours=2)
        with night.office() as store:
            heartbeat.beat(store, RECEIVING)
        assert night.view()["outages"] == []


def test_a_rehearsal_that_is_laid_aside_was_not_away(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:30")
        night.clock.is_rehearsal = True
        heartbeat = Heartbeat(night.clock)
        with night.office() as store:
            heartbeat.beat(store, RECEIVING)
            heartbeat.end(store)
        night.asleep("03:00")
        alive(night)
        assert night.view()["outages"] == []


def platform(night: Story, *faults: dict[str, Any]) -> None:
    for fault in faults:
        night.cloud.faults.inject("message/send", **fault)


def test_a_platform_that_does_not_answer_for_long_excuses_those_who_film(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:10")
        night.cloud.faults.inject("message/send", times=100, http_status=500)
        night.film("p1")
        for _ in range(20):
            night.settle(60)
        night.cloud.faults.clear()
        night.settle(61)
        assert len(night.hears("p1")) == 1
        [outage] = night.view()["outages"]
        assert (outage["what"], outage["began_at"][11:16]) == ("platform", "00:10")
        assert window(night)[1] >= "06:40"
        night.settle(1)
        assert "企业微信" in night.hears("staff")[0]
        assert len(night.group_hears("KEY")) == 1


def test_a_short_fault_of_the_platform_excuses_no_enterprise(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        platform(night, {"http_status": 500}, {"http_status": 500})
        night.film("p1")
        night.settle(60)
        night.settle(60)
        assert (len(night.hears("p1")), night.view()["outages"]) == (1, [])


def test_the_instants_of_an_outage_carry_the_countys_offset(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        away(night, "00:30", "01:30")
        assert night.view(NIGHT)["outages"][0]["began_at"] == at("00:30").isoformat()
        expect_more_time(night, "00:30–01:30", "07:30")
        reminded(night)


def test_while_nothing_can_be_received_no_enterprise_is_missing(tmp_path: Path) -> None:
    """The web part has fallen silent, the worker goes on: the wave waits, and so does the duty leader's alert."""
    with story(tmp_path, enterprises=2, parts=1) as night:
        night.film("p1")
        night.hears("p1")
        night.time("01:30")
        alive(night)
        night.time("02:00")
        assert (night.group_hears("KEY"), night.notices("reminder")) == ([], [])
        night.time("05:30")
        assert (night.notices("alert"), night.hears("leader")) == ([], [])
        alive(night)
        night.settle()
        [told, wave] = night.group_hears("KEY")
        assert ("系统中断" in told.text, "04:37" in wave.text) == (True, True)
        for who in ("leader", "backup", "staff", "h1", "h2"):
            night.hears(who)


def test_a_platform_that_is_away_is_told_to_the_fallback_once(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1, parts=1) as night:
        night.time("00:10")
        night.cloud.faults.inject("message/send", times=100, http_status=500)
        night.film("p1")
        for _ in range(20):
            night.settle(60)
        night.cloud.faults.clear()
        [told] = [each for each in night.notices("system") if each["channel"] == "sms_mail"]
        assert told["state"] == "failed"  # the story has no fallback addresses
        night.settle(61)
        for who in ("p1", "staff", "leader", "backup"):
            night.hears(who)
        night.group_hears("KEY")
