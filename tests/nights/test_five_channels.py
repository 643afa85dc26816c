"""Five enterprises on five channels in one night: the group, the leader and the board see no difference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storage.db.models import Person
from tests.harness import Story, film_bytes, mobile_of, row, story

BASE = "https://patrol.example.org"
SHORT = ("甲化工", "乙化工", "丙化工", "丁化工", "戊化工")


@dataclass
class Hand:
    """The patroller of an enterprise: how they send a film and name its part, and the replies they get."""

    films: Callable[[str, str], Any]
    says: Callable[[str], Any]
    hears: Callable[[], list[str]]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Story]:
    """The third patroller has nothing but a link to customer service, the fourth follows the account."""
    with story(tmp_path, enterprises=5, every_door=True) as played:
        played.cloud.add_customer("wm3", "丙师傅")
        played.cloud.add_follower("o4", "丁师傅")
        with played.office() as store:
            for short, realm, account in (("丙化工", "wecom_kf", "wm3"), ("丁化工", "official_account", "o4")):
                person = row(store, Person, name=f"{short}巡检员")
                store.register.unbind_all(person.id, played.clock.instant)
                store.register.bind(person.id, realm, account, None)
        yield played


@pytest.fixture
def hands(night: Story) -> list[Hand]:
    cloud, settle = night.cloud, night.settle

    def films(phone: Any) -> Callable[[str, str], Any]:
        def film(tag: str, part: str) -> None:
            phone.sends_film(film_bytes(12, tag))
            settle()
            phone.says(part)
            settle()

        return film

    def says(phone: Any) -> Callable[[str], Any]:
        return lambda text: (phone.says(text), settle())

    wm3, o4 = night.wechat()["wm3"], night.wechat()["o4"]
    return [
        Hand(films(cloud.phone("p1")), says(cloud.phone("p1")), lambda: night.hears("p1")),
        Hand(
            lambda tag, part: (
                night.to_bot(lambda bot: bot.sends_film("p2", film_bytes(12, tag))),
                night.to_bot(lambda bot: bot.says("p2", part)),
            ),
            lambda text: night.to_bot(lambda bot: bot.says("p2", text)),
            lambda: night.hears("p2"),
        ),
        Hand(films(wm3), says(wm3), lambda: night.hears_in_wechat("wm3")),
        Hand(films(o4), says(o4), lambda: night.hears_in_wechat("o4")),
        Hand(
            lambda tag, part: uploads(night, tag, part),
            lambda text: night.says("p5", text),
            lambda: [text for text in night.hears("p5") if "/upload/" not in text],
        ),
    ]


def uploads(night: Story, tag: str, part: str) -> None:
    """Film by a link that the chat gives: all of it in pieces."""
    night.says("p5", f"上传 {part}")
    [text] = night.hears("p5")
    path, browser, film = re.search(r"/upload/\S+", text).group(0), night.bot.web.test_client(), film_bytes(12, tag)  # type: ignore[union-attr]
    tus = {"Tus-Resumable": "1.0.0"}
    browser.get(path, base_url=BASE)
    where = browser.post(path, base_url=BASE, headers={**tus, "Upload-Length": str(len(film))}).headers["Location"]
    for start in range(0, len(film), 100_000):
        headers = {**tus, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        answer = browser.patch(where, base_url=BASE, data=film[start : start + 100_000], headers=headers)
        assert answer.status_code == 204
    night.settle()


def alike(texts: list[str]) -> list[str]:
    """The replies without the differing parts: the enterprise, its people, and the number of a receipt."""
    found = []
    for text in texts:
        for short in SHORT:
            for role in ("巡检员", "负责人"):
                text = text.replace(f"{short}{role}", "某人").replace(mobile_of(f"{short}{role}"), "号码")
            text = text.replace(short, "某企业")
        found.append(re.sub(r"1124-\d{4}", "回执", text))
    return found


def same(of_each: list[Any]) -> Any:
    """The value that all channels have in common; fails if one differs."""
    assert all(each == of_each[0] for each in of_each), of_each
    return of_each[0]


def board(night: Story) -> Any:
    """How the five stand on the board, without names, numbers and digests."""
    told = []
    for each in night.view()["enterprises"]:
        parts = [
            (part["number"], part["state"], [(film["state"], film["marks"]) for film in part["submissions"]])
            for part in each["parts"]
        ]
        told.append((each["state"], parts))
    return same(told)


@pytest.mark.slow
def test_the_group_the_leader_and_the_board_cannot_tell_the_doors_apart(night: Story, hands: list[Hand]) -> None:
    night.time("00:21")
    for number, hand in enumerate(hands):
        hand.films(f"first {number}", "1")
    receipt = same([alike(hand.hears()) for hand in hands])
    assert receipt == ["✅ 收到 回执\n某企业 · 1 罐区\n发送时间 00:21，今晚 1/2\n还差：2 装卸台"]

    night.time("01:37")
    [wave] = night.group_hears("KEY")
    rows = "、".join(f"{short}（缺2 装卸台）" for short in SHORT)
    assert wave.text == f"⏰ 01:37 催报 · 11-24 夜巡\n还差5家：{rows}\n请在 06:00 前拍好重点部位，发给机器人。"

    night.time("01:50")
    to_senders, to_leader = [], []
    for hand in hands:
        hand.says("险情 二号泵漏")
        to_senders.append([re.sub(r"\d\d:\d\d:\d\d", "此刻", text) for text in alike(hand.hears())])
        to_leader.append(alike(night.hears("leader")))
        night.says("leader", "已知悉")
        night.says("leader", "已解除 泵已停")
        night.hears("leader")
        assert [text[:1] for text in hand.hears()] == ["🚨", "✅"], "who took it, and that it is over"
    assert same(to_senders) == [
        "🚨 此刻 已转值班领导 李局（" + mobile_of("李局") + "）。请先撤到安全距离，保持电话畅通！"
    ]
    assert same(to_leader)[0] == "🚨 险情 某企业\n某企业 某人（号码）01:50 报：险情 二号泵漏"

    night.time("02:10")
    night.hears("leader")  # what waited because so much was said to the leader within a minute
    for number, hand in enumerate(hands):
        hand.films(f"second {number}", "2")
        hand.says("查询")
    done = same([alike(hand.hears()) for hand in hands])
    assert done[0].endswith("今晚 2/2\n今晚的部位都齐了，辛苦！")
    assert done[1] == "11-24 夜巡：\n某企业：2/2。今晚的部位都齐了，辛苦！"

    night.time("06:01")
    assert board(night)[0] == "on_time"
    assert night.view()["counts"]["on_time"] == 5
    assert night.group_hears("KEY") == []
