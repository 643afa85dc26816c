"""Enterprises are named by code, name, a piece of it or pinyin initials, wherever people type one."""

from __future__ import annotations

import pytest

from bot.texts import say
from handlers.enrolment import invite
from handlers.enterprise_names import resolve_enterprise
from storage.db.models import Enterprise
from storage.errors import OperationRefused
from storage.register_terms import DEREGISTERED
from tests.harness import Story

FURTHER = {"H1": "宏达化工", "H2": "恒鼎化工", "H3": "重庆长风", "H4": "宏达二厂", "H5": "注销厂"}


@pytest.fixture
def named(night: Story) -> Story:
    """The small county and enterprises whose names resemble each other; H5 is deregistered."""
    with night.office() as store:
        for code, name in FURTHER.items():
            store.session.add(Enterprise(code=code, name=f"{name}股份公司", short_name=name))
        store.session.flush()
        found = store.register.enterprise_by_code("H5")
        assert found is not None
        found.status = DEREGISTERED
    return night


def outcome(story: Story, text: str) -> str:
    """The code of the enterprise, or the refusal as a person reads it."""
    with story.office() as store:
        try:
            return resolve_enterprise(text, store).code
        except OperationRefused as refused:
            return say(refused.text_key, **refused.params)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E001", "E001"),
        ("e001", "E001"),
        ("Ｅ００１ ", "E001"),
        ("甲化工", "E001"),
        ("甲化工有限公司", "E001"),
        ("甲化", "E001"),
        ("宏达化工", "H1"),
        ("宏达二厂", "H4"),
        ("yhg", "E002"),
        ("YHG", "E002"),
        ("cqcf", "H3"),
        ("cqc", "H3"),
        ("cqzf", "H3"),
        ("hdec", "H4"),
        ("H5", "H5"),
    ],
)
def test_one_enterprise_is_found(named: Story, text: str, code: str) -> None:
    assert outcome(named, text) == code


@pytest.mark.parametrize(
    ("text", "names"), [("hdhg", "宏达化工（H1）、恒鼎化工（H2）"), ("宏达", "宏达化工（H1）、宏达二厂（H4）")]
)
def test_what_several_match_is_refused_with_their_names(named: Story, text: str, names: str) -> None:
    assert outcome(named, text) == f"“{text}”对得上几家企业，请写全简称或编号：{names}"


@pytest.mark.parametrize("text", ["", "h", "12", "xyz", "注销厂", "张三", "zxc"])
def test_what_none_matches_is_refused(named: Story, text: str) -> None:
    assert outcome(named, text).startswith(f"登记册里没有找到“{text}”")


@pytest.mark.slow
def test_the_names_of_very_many_are_not_all_listed(named: Story) -> None:
    with named.office() as store:
        for number in range(20):
            store.session.add(Enterprise(code=f"N{number}", name=f"新{number}", short_name=f"新材{number}"))
    assert outcome(named, "新材").endswith("等，另有12项")


def test_the_leader_asks_an_enterprise_by_its_initials(named: Story) -> None:
    named.time("00:30")
    named.says("leader", "催 yhg")
    assert named.hears("leader") == ["已催报1家：乙化工。"]
    assert named.hears("p2")[0].startswith("📣 李局催报：乙化工")
    named.says("leader", "催hdhg")
    assert named.hears("leader") == ["“hdhg”对得上几家企业，请写全简称或编号：宏达化工（H1）、恒鼎化工（H2）"]


def test_a_person_is_invited_for_an_enterprise_by_its_name(named: Story) -> None:
    with named.office() as store:
        invitation = invite("新人", ["巡检员"], "cqcf", store, named.clock.now())
        enterprise = store.register.enterprise(invitation.enterprise_id or 0)
        assert enterprise is not None
        assert enterprise.code == "H3"
