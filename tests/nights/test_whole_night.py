"""One whole night of a small county, from ten to midnight until after the daily push."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl

from schedules.audit_log import check_audit_log
from storage.audit_log import parse_head
from storage.db.models import ContentItem, Enterprise, KeyPart
from tests.harness import NIGHT, County, Story, row, story

MORNING_READERS = ("leader", "backup", "staff")


def prepare(night: Story) -> None:
    """Seven enterprises: one has a single part, one has three, one has two patrollers."""
    with night.office() as store:
        single, triple = row(store, Enterprise, code="E003"), row(store, Enterprise, code="E005")
        row(store, KeyPart, enterprise_id=single.id, number="2").in_use = False
        store.session.add(KeyPart(enterprise_id=triple.id, number="3", name="泵房"))
        County(store, night.cloud).person("丁化工夜班", ["巡检员"], "p4b", "E004")
        now = night.clock.now()
        for kind, title, url in (("链接", "静电的危害", f"{night.cloud.url}/?knowledge"), ("视频", "装卸作业", None)):
            key = "content/loading.mp4" if url is None else None
            item = ContentItem(title=title, kind=kind, url=url, object_key=key, source="应急管理部", tags=[])
            item.added_at, item.file_name, item.bytes = now, "装卸.mp4" if key else None, 9 if key else None
            store.session.add(item)
    with night.bot.objects.spool() as spool:
        spool.write(b"a safety film")
        night.bot.objects.save(spool, "content/loading.mp4")
    night.cloud.add_member("unknown")


def workbook(night: Story, who: str) -> list[list[Any]]:
    """The rows of the last Excel file on a phone."""
    heard = next(each for each in reversed(night.cloud.phone(who).received) if each.msgtype == "file")
    kept = night.cloud.media.find(heard.media_id, night.cloud.now())
    book = openpyxl.load_workbook(io.BytesIO(kept.read()))
    return [list(cells) for cells in book.active.iter_rows(values_only=True)]


def first_lines(said: list[str]) -> list[str]:
    """The first line of each message."""
    return [text.splitlines()[0] for text in said]


def test_a_whole_night(tmp_path: Path) -> None:
    with story(tmp_path, enterprises=7) as night:
        prepare(night)
        night.every = timedelta(minutes=5)
        films_of_the_small_hours(night)
        the_waves(night)
        the_alert(night)
        the_morning(night)
        view = night.view()
        assert view["counts"] == {
            "expected": 7,
            "on_time": 5,
            "late": 1,
            "partial": 0,
            "missing": 1,
            "exempt": 0,
            "unjudged": 0,
        }
        assert [film["receipt"] for film in view["quarantined"]] == ["1124-0013"]
        assert {notice["state"] for notice in view["notices"]} == {"sent", "cancelled"}
        assert len({notice["sent_at"] for notice in view["notices"] if notice["kind"] == "reminder"}) == 3


def films_of_the_small_hours(night: Story) -> None:
    night.time("00:06")
    night.says("p1", "1")
    night.film("p1")
    night.settle(6)
    assert night.hears("p1") == ["✅ 收到 1124-0001\n甲化工 · 1 罐区\n发送时间 00:06，今晚 1/2\n还差：2 装卸台"]
    night.film("p1")
    night.says("p1", "装卸台")
    night.settle(6)
    assert night.hears("p1") == [
        "✅ 收到 1124-0002\n甲化工 · 2 装卸台\n发送时间 00:06，今晚 2/2\n今晚的部位都齐了，辛苦！"
    ]

    night.time("00:12")
    night.film("p2")
    night.says("p2", "第二个部位")
    assert night.hears("p2") == ["✅ 收到 1124-0003\n乙化工 · 2 装卸台\n发送时间 00:12，今晚 1/2\n还差：1 罐区"]
    night.film("p2")
    night.settle(6)
    assert night.hears("p2") == [
        "1124-0004 拍的是哪个部位？\n乙化工，00:12，长12秒 发来的视频。请点所拍部位；看不到按钮就回复编号。",
        "1124-0004（00:12，长12秒）拍的是哪个部位？请回复编号或名称：\n1 罐区、2 装卸台",
    ]
    card = night.taps("p2", "1 罐区")
    assert card.replacement_text == "已记为 1 罐区"
    assert night.hears("p2") == [
        "✅ 收到 1124-0004\n乙化工 · 1 罐区\n发送时间 00:12，今晚 2/2\n今晚的部位都齐了，辛苦！"
    ]

    night.time("00:20")
    night.film("p3")
    assert night.hears("p3") == [
        "✅ 收到 1124-0005\n丙化工 · 1 罐区\n发送时间 00:20，今晚 1/1\n今晚的部位都齐了，辛苦！"
    ]

    night.time("00:25")
    night.says("p4", "罐区")
    night.film("p4")
    night.film("p4b")
    night.says("p4b", "二号")
    assert first_lines(night.hears("p4")) == ["✅ 收到 1124-0006"]
    assert night.hears("p4b") == [
        "✅ 收到 1124-0007\n丁化工 · 2 装卸台\n发送时间 00:25，今晚 2/2\n今晚的部位都齐了，辛苦！"
    ]

    night.time("00:30")
    for _ in range(3):
        night.film("p5", settle=False)
    night.settle()
    night.settle(6)
    assert first_lines(night.hears("p5")) == [
        "1124-0008 拍的是哪个部位？",
        "1124-0008（00:30，长12秒）拍的是哪个部位？请回复编号或名称：",
    ]
    for word in ("3", "1", "2"):
        night.says("p5", word)
    assert [text.splitlines()[1] for text in night.hears("p5")] == [
        "戊化工 · 3 泵房",
        "戊化工 · 1 罐区",
        "戊化工 · 2 装卸台",
    ]

    night.time("00:40")
    night.cloud.phone("p6").sends_photo()
    night.settle()
    assert night.hears("p6") == ["📷 照片已留存（1124-0011）。照片不能代替巡检视频，请再拍一段10秒以上的视频发来。"]
    night.says("p6", "1")
    night.film("p6", seconds=4)
    night.settle(6)
    assert night.hears("p6") == ["⚠️ 1124-0012（00:40）不足10秒，看不清巡检情况。请在原地再拍一段10秒以上的视频发来。"]

    night.film("unknown")
    assert first_lines(night.hears("unknown"))[0].startswith("已收到 1124-0013，先替您保管")


def the_waves(night: Story) -> None:
    night.time("01:36")
    assert night.group_hears("KEY") == []
    for wave in ("01:37", "03:07"):
        night.time(wave)
        [heard] = night.group_hears("KEY")
        assert heard.text == (
            f"⏰ {wave} 催报 · 11-24 夜巡\n还差2家：己化工、庚化工\n请在 06:00 前拍好重点部位，发给机器人。"
        )
        assert heard.mentioned_list == ("p6", "p7")
    night.time("04:30")
    night.says("p6", "1")
    night.film("p6")
    assert first_lines(night.hears("p6")) == ["✅ 收到 1124-0014"]
    night.time("04:37")
    [heard] = night.group_hears("KEY")
    assert "还差2家：己化工（缺2 装卸台）、庚化工\n" in heard.text


def the_alert(night: Story) -> None:
    night.time("05:06")
    assert night.hears("leader") == []
    night.time("05:07")
    assert night.hears("leader") == [
        "夜巡还有2家未报齐\n应报7家，按时5，停产免报0。未报齐：己化工、庚化工",
        "🔔 11-24 夜巡：还有2家未报齐：己化工、庚化工\n应报7家，按时5，停产免报0。\n"
        "请点卡片上的“已知悉”，或回复“已知悉”；没有人回应会继续通知下一位。",
    ]
    night.time("05:12")
    assert night.taps("leader", "已知悉").replacement_text == "李局 05:12 已知悉"
    night.time("06:20")
    assert night.hears("leader") == night.hears("backup") == []
    night.says("p6", "装卸台")
    night.film("p6")
    assert night.hears("p6") == [
        "🕖 收到 1124-0015（迟报）\n己化工 · 2 装卸台\n发送时间 06:20，已过截止时间 06:00，记为迟报。今晚 2/2\n"
        "今晚的部位都齐了，辛苦！"
    ]


def the_morning(night: Story) -> None:
    night.time("07:37")
    with night.bot.uow.read() as store:
        head = store.issued_reports.get(NIGHT).audit_log_head
        assert head.startswith("16-")
        assert check_audit_log(store, parse_head(head)).faults == []
    for who in MORNING_READERS:
        assert night.hears(who) == [
            "📊 11-24 夜巡日报：应报7家，按时5，迟报1，部分未报0，未报1，停产免报0，待判0。\n"
            "未报：庚化工有限公司；还有12段视频没审看（12:00截止）。\n"
            "https://patrol.example.org/reports/daily/2026-11-24",
            "夜巡日报 2026-11-24.xlsx",
        ]
    rows = workbook(night, "leader")
    text = "\n".join(" ".join(str(cell) for cell in cells if cell is not None) for cells in rows)
    assert f"操作记录链头：{head}" in text
    assert "应报 7 家 = 按时 5 + 迟报 1 + 部分未报 0 + 未报 1 + 停产免报 0 + 待判 0" in text
    assert next(cells for cells in rows if cells[1] == "监管办公室（审看）")[7:11:3] == ["未看 12 段", "0/12"]
    shown = {cells[1]: cells for cells in rows if str(cells[1]).endswith("有限公司")}
    assert len(shown) == 7
    assert shown["己化工有限公司"][3:9] == [2, 2, "04:30", "06:20", "迟报", None]
    assert shown["庚化工有限公司"][3:9] == [2, 0, None, None, "未报", "1 罐区、2 装卸台"]
    assert shown["甲化工有限公司"][3:8] == [2, 2, "00:06", "00:06", "按时"]

    night.time("09:06")
    assert night.group_hears("KEY") == []
    night.time("09:10")
    link, film = night.group_hears("KEY")
    assert (link.articles[0]["title"], link.articles[0]["description"]) == ("静电的危害", "📖 每日送教 · 应急管理部")
    assert (film.msgtype, film.text) == ("file", "装卸作业.mp4")
