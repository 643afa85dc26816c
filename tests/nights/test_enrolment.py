"""Binding an account by a code, and what becomes of the films sent before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.enrolment import invite
from handlers.films import release_quarantined_films
from handlers.unplaced_films import attach_film
from schedules.context import Context
from storage.db.models import Person
from storage.errors import OperationRefused
from tests.harness import Story, row, story


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Story]:
    """A county of one-part enterprises, and a phone that is not registered."""
    with story(tmp_path, start="00:10", enterprises=2, parts=1) as night:
        night.cloud.add_member("new")
        yield night


def code_for(night: Story, name: str = "新来的", enterprise: str | None = "E001") -> str:
    """A fresh code as the office makes it."""
    role = "巡检员" if enterprise else "工作人员"
    with night.office() as store:
        return invite(name, [role], enterprise, store, night.clock.now()).code


def test_a_code_binds_the_account_from_that_moment_on(newcomer: Story) -> None:
    newcomer.says("new", f"绑定 {code_for(newcomer)}")
    assert newcomer.hears("new") == ["绑定成功，新来的（甲化工）。以后直接把巡检视频发给我就行。"]
    newcomer.film("new")
    assert newcomer.hears("new")[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区")
    assert newcomer.state("E001") == "on_time"


def test_an_office_member_is_greeted_as_such(newcomer: Story) -> None:
    newcomer.says("new", f"绑定码：{code_for(newcomer, '张科', None)}")
    assert newcomer.hears("new") == ["绑定成功，张科（监管办公室）。以后直接把巡检视频发给我就行。"]


def test_a_wrong_a_used_and_an_expired_code_are_refused_alike(newcomer: Story) -> None:
    code, old = code_for(newcomer), code_for(newcomer, "另一个")
    newcomer.says("new", f"绑定{code}")
    newcomer.hears("new")
    newcomer.cloud.add_member("second")
    refused = ["绑定码不对、已用过或已过期。请向值班人员再要一个8位绑定码。"]
    for wrong in ("00000000" if code != "00000000" else "00000001", code):
        newcomer.says("second", f"绑定 {wrong}")
        assert newcomer.hears("second") == refused
        newcomer.settle(61)
    newcomer.clock.instant += timedelta(days=7)
    newcomer.settle()
    newcomer.group_hears("KEY")
    [newcomer.hears(who) for who in ("leader", "backup", "staff")]
    newcomer.says("second", f"绑定 {old}")
    assert newcomer.hears("second") == refused


def test_a_malformed_code_is_answered_with_how_to_write_it(newcomer: Story) -> None:
    newcomer.says("p1", "绑定 123")
    assert newcomer.hears("p1") == ["请回复“绑定”加8位数字，例如：绑定 12345678。"]


def test_attempts_to_guess_codes_are_limited(newcomer: Story) -> None:
    code = code_for(newcomer)
    for number in range(5):
        newcomer.says("new", f"绑定 9999999{number}")
        newcomer.settle(61)
    assert len(newcomer.hears("new")) == 5
    newcomer.says("new", f"绑定 {code}")
    assert newcomer.hears("new") == ["尝试次数过多，请一小时后再试，或联系值班人员。"]
    newcomer.settle(3600)
    newcomer.says("new", f"绑定 {code}")
    assert newcomer.hears("new")[0].startswith("绑定成功")


def test_a_film_sent_before_the_code_waits_until_it_is_attached_and_then_counts(newcomer: Story) -> None:
    newcomer.film("new")
    newcomer.settle(60)
    newcomer.says("new", f"绑定 {code_for(newcomer)}")
    first = newcomer.hears("new")[0]
    assert first.startswith("已收到 1124-0001，先替您保管")
    assert [film["receipt"] for film in newcomer.view()["quarantined"]] == ["1124-0001"]
    with newcomer.office() as store:
        book, now = newcomer.bot.uow.rules(store), newcomer.clock.now()
        assert release_quarantined_films(Context(store, book, now)) == 0, "a code holds from its moment on"
        attach_film("1124-0001", "E001", "1", Context(store, book, now), "王科")
    newcomer.settle()
    assert newcomer.hears("new")[0].startswith("✅ 收到 1124-0001\n甲化工 · 1 罐区\n发送时间 00:10")
    assert newcomer.state("E001") == "on_time"


def test_a_binding_by_import_holds_from_the_beginning_and_finds_the_strangers_films(newcomer: Story) -> None:
    newcomer.film("new")
    newcomer.hears("new")
    with newcomer.office() as store:
        patroller = row(store, Person, name="乙化工巡检员")
        store.register.bind(patroller.id, "wecom", "NEW", None)
        assert release_quarantined_films(Context(store, newcomer.bot.uow.rules(store), newcomer.clock.now())) == 1
    newcomer.settle()
    assert newcomer.hears("new")[0].startswith("✅ 收到 1124-0001\n乙化工 · 1 罐区")
    assert newcomer.view()["quarantined"] == []


def test_an_account_that_changes_hands_belongs_to_the_new_owner_only_from_then_on(newcomer: Story) -> None:
    newcomer.film("p1")
    newcomer.settle(60)
    newcomer.says("p1", f"绑定 {code_for(newcomer, '接班的', 'E002')}")
    newcomer.film("p1")
    first, _, second = newcomer.hears("p1")
    assert "甲化工 · 1 罐区" in first
    assert "乙化工 · 1 罐区" in second
    assert newcomer.part("E001", "1")["submissions"][0]["receipt"] == "1124-0001"


@pytest.mark.parametrize(
    ("receipt", "code", "part", "key"),
    [
        ("1124-0009", "E001", "1", "attach.no_such_receipt"),
        ("nonsense", "E001", "1", "attach.no_such_receipt"),
        ("1124-0001", "E999", "1", "enterprise_name.unknown"),
        ("1124-0001", "E001", "9", "attach.no_such_part"),
        ("1124-0002", "E001", "1", "attach.not_a_filed_film"),
    ],
)
def test_what_cannot_be_attached_is_refused_with_the_reason(
    newcomer: Story, receipt: str, code: str, part: str, key: str
) -> None:
    newcomer.film("new")
    newcomer.film("new", seconds=3)
    newcomer.hears("new")
    with newcomer.office() as store:
        book = newcomer.bot.uow.rules(store)
        with pytest.raises(OperationRefused) as refused:
            attach_film(receipt, code, part, Context(store, book, newcomer.clock.now()), "王科")
    assert refused.value.text_key == key


def test_of_two_people_of_one_name_no_code_is_made(newcomer: Story) -> None:
    with newcomer.office() as store:
        for _ in range(2):
            store.session.add(Person(name="张三", roles=["工作人员"]))
        store.session.flush()
        with pytest.raises(OperationRefused) as refused:
            invite("张三", ["工作人员"], None, store, newcomer.clock.now())
        assert refused.value.text_key == "enrolment.ambiguous_name"
        with pytest.raises(OperationRefused):
            invite("张三", ["园长"], None, store, newcomer.clock.now())


def test_when_no_office_member_can_be_reached_the_fallback_is_notified(tmp_path: Path) -> None:
    """On the first day there is an administrator with a password, and no person with an account."""
    with story(tmp_path, enterprises=1) as night:
        with night.office() as store:
            row(store, Person, name="王科").active = False
            store.session.add(Person(name="管理员甲", roles=["管理员"]))
        night.says("h1", "换人 张三")
        assert night.hears("h1") == ["已转给工作人员，请等对方核实。核实之前仍请按原要求报送。"]
        told = [(each["to"], each["state"]) for each in night.notices("system") if each["to"] != "甲化工负责人"]
        assert ("管理员甲", "failed") in told
        assert "后备通道" in {to for to, _ in told}
