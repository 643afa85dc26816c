"""The daily link and film of safety knowledge: which, to whom, once."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from storage.db.models import ContentItem, GroupChat
from tests.harness import NIGHT, Story, row, story

MB = 1024 * 1024
COUNTY: dict[str, Any] = {"start": "09:00", "enterprises": 0, "rules": {"日报时间": "08:00"}}


def add(night: Story, title: str, kind: str = "链接", **values: Any) -> None:
    """One more item in the library, younger than the others; its link lives unless another is given."""
    values = {"url": f"{night.cloud.url}/?{title}", "tags": [], **values}
    with night.office() as store:
        added = night.clock.now() + timedelta(seconds=store.session.query(ContentItem).count())
        store.session.add(ContentItem(title=title, kind=kind, added_at=added, **values))
    if values.get("object_key"):
        with night.bot.objects.spool() as spool:
            spool.write(b"a safety film")
            night.bot.objects.save(spool, values["object_key"])


def titles(night: Story, key: str = "KEY") -> list[str]:
    """The items a group received since the last call: titles of links, names of files."""
    return [each.articles[0]["title"] if each.articles else each.text for each in night.group_hears(key)]


def days(night: Story, number: int) -> list[list[str]]:
    """The items the group gets on that number of days, from today."""
    found = []
    for each in range(number):
        night.time("09:08", NIGHT + timedelta(days=each))
        found.append(titles(night))
    return found


@pytest.mark.slow
def test_planned_for_today_comes_first_then_planned_earlier_then_the_season_then_the_oldest(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "最老的")
        add(night, "夏天的", tags=["高温"])
        add(night, "冬天的", tags=["冬季"])
        add(night, "以后的", planned_for=NIGHT + timedelta(days=30))
        add(night, "错过的", planned_for=NIGHT - timedelta(days=3))
        add(night, "今天的", planned_for=NIGHT)
        assert days(night, 5) == [["今天的"], ["错过的"], ["冬天的"], ["最老的"], []]
        assert night.hears("staff")[-1] == "⚠️ 今天没有可送的链接了：内容库已经发完，请补充。"
        night.hears("leader"), night.hears("backup")


def test_the_same_item_is_never_sent_twice_to_one_group_but_once_to_each(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        night.cloud.add_robot("SECOND", "二群")
        for title in ("一", "二"):
            add(night, title)
        assert days(night, 1) == [["一"]]
        with night.office() as store:
            store.session.add(GroupChat(name="二群", robot_key="SECOND"))
        night.settle(60)
        assert titles(night, "SECOND") == ["一"]
        night.time("09:08", NIGHT + timedelta(days=1))
        assert (titles(night), titles(night, "SECOND")) == (["二"], ["二"])
        night.time("20:00", NIGHT + timedelta(days=1))
        assert (titles(night), titles(night, "SECOND")) == ([], [])
        with night.bot.uow.read() as store:
            counts = {name: number for _, name, number in store.content.push_counts(NIGHT, NIGHT + timedelta(days=1))}
        assert counts == {"链接": 2}
        [night.hears(who) for who in ("leader", "backup", "staff")]


def watched(night: Story, link: str, **asking: str) -> bytes:
    """The response to a phone that opens a link; an S3 store serves the film itself."""
    opened = night.bot.web.test_client().get(link.removeprefix("https://patrol.example.org"), headers=asking)
    if opened.location:
        trusted = os.environ.get("AWS_CA_BUNDLE")
        found = requests.get(opened.location, headers=asking, timeout=10, verify=trusted)
        status, body = found.status_code, found.content
    else:
        status, body = opened.status_code, opened.data
    opened.close()
    assert status == (206 if asking else 200)
    return body


@pytest.mark.slow
def test_a_link_goes_as_a_news_card_and_a_film_as_a_file_or_as_a_link_when_it_is_too_large(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "小片", "视频", url=None, object_key="content/1.mp4", file_name="1.mp4", bytes=20 * MB)
        add(night, "大片", "视频", url=None, object_key="content/2.mp4", file_name="2.mp4", bytes=20 * MB + 1)
        add(night, "静电", source="应急管理部")
        night.time("09:08")
        link, film = night.group_hears("KEY")
        assert link.articles == (
            {"title": "静电", "description": "📖 每日送教 · 应急管理部", "url": f"{night.cloud.url}/?静电"},
        )
        assert (film.msgtype, film.text) == ("file", "小片.mp4")
        night.time("09:08", NIGHT + timedelta(days=1))
        [large] = night.group_hears("KEY")
        assert large.articles[0]["title"] == "大片"
        assert watched(night, large.articles[0]["url"]) == b"a safety film"
        # Players on some phones play nothing that does not come in pieces.
        assert watched(night, large.articles[0]["url"], Range="bytes=2-7") == b"safety"
        [night.hears(who) for who in ("leader", "backup", "staff")]


def test_a_dead_link_is_found_before_it_is_sent_and_the_next_item_goes_instead(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "没了的", url=f"{night.cloud.url}/no-such-page")
        add(night, "连不上的", url="http://127.0.0.1:9/")
        add(night, "还在的")
        add(night, "一段", "视频", url=None, object_key="content/1.mp4", file_name="1.mp4", bytes=9)
        night.time("09:10")
        assert sorted(titles(night)) == ["一段.mp4", "还在的"]
        assert night.hears("staff") == [
            f"⚠️ 送教内容“没了的”的链接打不开（HTTP 404），已跳过：{night.cloud.url}/no-such-page",
            "⚠️ 送教内容“连不上的”的链接打不开（ConnectionError），已跳过：http://127.0.0.1:9/",
        ]
        with night.bot.uow.read() as store:
            assert row(store, ContentItem, title="没了的").dead_since == NIGHT
            assert store.content.push_counts(NIGHT, NIGHT)[0][2] == 1


def test_a_library_that_is_used_up_is_told_once_a_day(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "唯一")
        add(night, "一段", "视频", url=None, object_key="content/1.mp4", file_name="1.mp4", bytes=9)
        assert days(night, 1) == [["唯一", "一段.mp4"]]
        assert night.hears("staff") == []
        night.time("18:00", NIGHT + timedelta(days=1))
        told = [text for text in night.hears("staff") if "送教" in text or "可送" in text]
        assert told == ["⚠️ 今天没有可送的链接、视频了：内容库已经发完，请补充。"]
        night.hears("leader"), night.hears("backup")


def test_a_push_that_was_slept_through_is_made_up_on_the_same_day_only(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "一")
        add(night, "二")
        night.asleep("15:00")
        night.settle()
        night.settle(1)
        assert titles(night) == ["一"]
        night.asleep("20:00", NIGHT + timedelta(days=1))
        night.settle()
        assert titles(night) == []
        [night.hears(who) for who in ("leader", "backup", "staff")]


def test_an_item_whose_sending_failed_is_not_counted_and_may_go_again(tmp_path: Path) -> None:
    with story(tmp_path, **COUNTY) as night:
        add(night, "一")
        night.cloud.remove_robot("KEY")
        night.time("09:08")
        assert "错误码 93000" in night.hears("staff")[0]
        with night.bot.uow.read() as store:
            assert store.content.push_counts(NIGHT, NIGHT) == []
        night.cloud.violations.clear()
        night.cloud.add_robot("KEY", "夜巡工作群")
        night.time("15:00")
        assert titles(night) == [], "once a day is enough"
        night.time("09:08", NIGHT + timedelta(days=1))
        assert titles(night) == ["一"]
        [night.hears(who) for who in ("leader", "backup", "staff")]
