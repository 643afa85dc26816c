"""A night with hostile names: every message that is sent holds only plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.db.models import Binding, Enterprise, KeyPart, Person
from tests.bot import test_harmless
from tests.harness import Story, row, story

# XML and the databases hold no control characters.
HOSTILE = test_harmless.HOSTILE.translate({0: None, 0x1B: None})
ACTIVE = ("<a", "<@", "<font", "\u202e", "\u200b", "\n✅ 收到 1124-9999", "”请拨打")


def everything(night: Story) -> str:
    """Everything that was sent, as the platforms received it."""
    phones = [night.cloud.phone(who).received for who in night.cloud.members]
    groups = [night.cloud.group(key).received for key in night.cloud.robots]
    bot = [chat.received for chat in night.cloud.aibot.chats.values()]
    wechat = [phone.texts for phone in night.wechat().values()]
    received = [each for chat in phones + groups + bot for each in chat]
    assert [each for each in received if each.msgtype == "markdown" and "](" in each.text] == []
    shown = [*map(vars, received), *wechat]
    for who in night.cloud.members:
        night.hears(who)
    for who in night.wechat():
        night.hears_in_wechat(who)
    for key in night.groups():
        night.group_hears(key)
    return "\n".join(map(text_of, shown))


def text_of(value: Any) -> str:
    """Every string in a received message."""
    if isinstance(value, dict):
        return "\n".join(map(text_of, value.values()))
    if isinstance(value, list | tuple):
        return "\n".join(map(text_of, value))
    return text_of(vars(value)) if hasattr(value, "__dict__") else str(value)


@pytest.mark.slow
def test_a_night_among_hostile_names(tmp_path: Path) -> None:
    with story(tmp_path, start="00:10", enterprises=2, every_door=True) as night:
        night.cloud.add_customer("wm9", HOSTILE)
        night.cloud.add_follower("o9", HOSTILE)
        with night.office() as store:
            for enterprise in store.session.query(Enterprise):
                enterprise.name = enterprise.short_name = f"{enterprise.code}{HOSTILE}"
            for part in store.session.query(KeyPart):
                part.name = HOSTILE
            for person in store.session.query(Person):
                person.name = f"{person.id}{HOSTILE}"
        night.film("p1")
        night.says("p1", HOSTILE)
        night.says("p1", "2")
        for who in ("p2", "wm9", "o9"):
            night.says(who, f"险情 {HOSTILE}")
        night.to_bot(lambda bot: bot.says("p1", f"险情 {HOSTILE}"))
        night.says("p2", f"火更大了 {HOSTILE}")
        night.taps("leader", "已知悉")
        night.says("leader", f"已解除 {HOSTILE}")
        night.says("h2", f"换人 {HOSTILE}")
        night.time("01:40")
        told = everything(night)
        assert "🚨 险情！" in told
        assert "又报" in told
        assert "已解除（" in told
        assert "换人" in told
        assert "催报" in told
        assert [active for active in ACTIVE if active in told] == []


def test_an_account_that_stands_for_everybody_is_sent_nothing(tmp_path: Path) -> None:
    with story(tmp_path, start="00:10", enterprises=1) as night:
        with night.office() as store:
            leader = row(store, Person, name="李局")
            row(store, Binding, person_id=leader.id).account = "@all"
        night.says("p1", "险情")
        heard = {who: night.hears(who) for who in night.cloud.members}
        assert {who: texts for who, texts in heard.items() if who != "p1" and texts} == {}
        assert heard["p1"][0].startswith("🚨 00:10:00 已转值班领导 李局")
