"""Enterprises that send nothing for several nights: who is told, who is reminded, and a word on their return."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from storage.db.models import Rule
from tests.harness import NIGHT, Story, story


def agree(night: Story, **rules: str) -> None:
    with night.office() as store:
        store.session.add_all([Rule(name=name, value=value) for name, value in rules.items()])


def read_everything(night: Story) -> dict[str, list[str]]:
    """The messages of all people; those of groups are marked as read as well."""
    for group in night.groups():
        night.group_hears(group)
    return {who: night.hears(who) for who in night.cloud.members}


def film_all(night: Story, who: str) -> None:
    for part in ("1", "2"):
        night.says(who, part)
        night.film(who)


def test_the_receipt_says_for_how_many_nights_nothing_came(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=1) as night:
        agree(night, 集体缺报阈值="100%", 连续未报告知夜数="0")
        night.time("12:30")
        night.time("12:30", NIGHT + timedelta(days=1))
        night.time("00:30", NIGHT + timedelta(days=2))
        read_everything(night)
        night.says("p1", "1")
        night.film("p1")
        [receipt] = night.hears("p1")
        assert "此前已连续2夜未报。" in receipt
        night.says("p1", "2")
        night.film("p1")
        [receipt] = night.hears("p1")
        assert "连续" not in receipt


def test_repeated_misses_are_reported_when_agreed(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2) as night:
        agree(night, 集体缺报阈值="100%", 连续未报告知夜数="2")
        for days in range(2):
            night.time("00:30", NIGHT + timedelta(days=days))
            film_all(night, "p2")
            told = read_everything(night)
            night.time("12:30", NIGHT + timedelta(days=days))
            told = read_everything(night)
            misses = {who: [text for text in texts if "连续" in text] for who, texts in told.items()}
            heard = {who: texts for who, texts in misses.items() if texts}
            if days == 0:
                assert heard == {}
        assert heard["h1"] == [
            "⚠️ 甲化工已连续2夜未报夜间巡检视频。请核实原因，今晚务必按时报送；有困难请联系值班人员。"
        ]
        assert heard["staff"] == ["📋 11-25 夜巡截止，连续多夜未报的企业：甲化工（2夜）。"]
        assert "h2" not in heard


def test_only_those_who_missed_lately_are_reminded_before_the_night(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=2) as night:
        agree(night, 集体缺报阈值="100%")
        night.time("00:30")
        film_all(night, "p2")
        night.time("12:30")
        read_everything(night)
        night.time("-23:51", NIGHT + timedelta(days=1))
        told = read_everything(night)
        assert told["p1"] == ["🌙 甲化工今晚夜巡 00:00–06:00，请按时拍：1 罐区、2 装卸台。"]
        assert told["p2"] == []
