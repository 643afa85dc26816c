"""Binding codes give no more than their maker has, and a new account of a person is told to the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.enrolment import invite
from storage.db.models import AuditEntry, Invitation, Person
from storage.errors import OperationRefused
from tests.harness import Story, row, story

TOLD = "🔐 00:10，一个新的"
FOR_THE_OFFICE = "⚠️ 李局 撤销了"


@pytest.fixture
def night(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Two channels besides the app, and a member who is not registered."""
    with story(tmp_path, start="00:10", enterprises=1, parts=1, every_door=True) as played:
        played.cloud.add_member("new")
        played.cloud.add_customer("wm9", "某人")
        played.cloud.add_follower("o9", "某人")
        yield played


def code(night: Story, name: str, role: str, enterprise: str | None = None, *, by_administrator: bool = True) -> str:
    with night.office() as store:
        return invite(name, [role], enterprise, store, night.clock.now(), may_appoint=by_administrator).code


def owner(night: Story, realm: str, account: str) -> str | None:
    with night.office() as store:
        person = store.register.account_owner(realm, account, night.clock.now())
        return person.name if person else None


def test_a_stranger_bound_to_the_leader_is_undone_by_one_tap_of_the_leader(night: Story) -> None:
    night.says("new", f"绑定 {code(night, '李局', '值班领导')}")
    assert night.hears("new") == ["绑定成功，李局（监管办公室）。以后直接把巡检视频发给我就行。"]
    told = night.hears("leader")
    assert told[0].startswith("🔐 00:10，一个新的企业微信账号（new）绑定到了您名下。")
    assert told[1].startswith("您名下绑定了新账号")
    assert owner(night, "wecom", "new") == "李局"
    card = night.taps("leader", "不是我，撤销")
    assert owner(night, "wecom", "new") is None
    assert card.replacement_text == "已撤销"
    assert night.hears("staff")[0].startswith(FOR_THE_OFFICE)
    with night.office() as store:
        assert "binding_undone" in {each.action for each in store.session.query(AuditEntry)}
    night.hears("leader")


def test_the_new_account_is_told_nothing_and_cannot_undo_the_old_one(night: Story) -> None:
    night.says("new", f"绑定 {code(night, '李局', '值班领导')}")
    night.hears("new"), night.hears("leader")
    night.says("new", "撤销绑定")
    assert night.hears("new") == ["现在没有您可以撤销的绑定。有疑问请联系值班人员。"]
    assert owner(night, "wecom", "leader") == "李局"


def test_where_there_are_no_buttons_a_text_undoes_it(night: Story) -> None:
    with night.office() as store:
        leader = row(store, Person, name="李局")
        store.register.unbind_all(leader.id, night.clock.now())
        store.register.bind(leader.id, "official_account", "o9", None)
    night.says("o9", "查询")
    night.hears_in_wechat("o9")
    night.says("new", f"绑定 {code(night, '李局', '值班领导')}")
    night.hears("new")
    [told] = night.hears_in_wechat("o9")
    assert told.startswith(TOLD)
    night.settle(1)
    night.says("o9", "撤销绑定")
    assert night.hears_in_wechat("o9") == ["已撤销：企业微信账号 new 不再是您的账号。"]
    assert owner(night, "wecom", "new") is None
    night.hears("staff")
    night.settle(1)
    night.says("o9", "撤销绑定")
    assert night.hears_in_wechat("o9") == ["现在没有您可以撤销的绑定。有疑问请联系值班人员。"]


def test_every_account_is_told_also_of_one_in_customer_service(night: Story) -> None:
    night.says("o9", f"绑定 {code(night, '甲化工巡检员', '巡检员', 'E001')}")
    assert night.hears("p1")[0].startswith(TOLD)
    night.hears_in_wechat("o9")
    night.says("wm9", f"绑定 {code(night, '甲化工巡检员', '巡检员', 'E001')}")
    assert night.hears("p1")[0].startswith("🔐 00:10，一个新的微信账号（wm9）")
    assert night.hears_in_wechat("o9")[0].startswith("🔐 00:10，一个新的微信账号（wm9）")
    night.hears_in_wechat("wm9")


def test_a_binding_can_be_undone_for_a_week(night: Story) -> None:
    night.says("new", f"绑定 {code(night, '甲化工巡检员', '巡检员', 'E001')}")
    night.hears("new"), night.hears("p1")
    night.clock.instant = night.clock.instant.replace(day=30)
    night.says("p1", "撤销绑定", settle=False)
    night.settle()
    assert owner(night, "wecom", "new") is None
    for who in night.cloud.members:
        night.hears(who)
    night.group_hears("KEY")


def test_roles_are_given_when_the_code_is_used(night: Story) -> None:
    used = code(night, "王科", "管理员")
    with night.office() as store:
        assert row(store, Person, name="王科").roles == ["工作人员"]
        assert store.register.people_named("新来的") == []
    newcomer = code(night, "新来的", "巡检员", "E001")
    with night.office() as store:
        assert store.register.people_named("新来的") == []
    night.says("new", f"绑定 {newcomer}")
    night.says("wm9", f"绑定 {used}")
    with night.office() as store:
        assert row(store, Person, name="王科").roles == ["工作人员", "管理员"]
        assert row(store, Person, name="新来的").roles == ["巡检员"]
    for who in ("new", "staff"):
        night.hears(who)
    night.hears_in_wechat("wm9")


@pytest.mark.parametrize(("name", "role"), [("王科", "管理员"), ("王科", "值班领导"), ("李局", "工作人员")])
def test_only_an_administrator_opens_a_way_to_be_leader_or_administrator(night: Story, name: str, role: str) -> None:
    with pytest.raises(OperationRefused) as refused:
        code(night, name, role, by_administrator=False)
    assert refused.value.text_key == "enrolment.only_administrator"


def test_a_code_of_the_staff_is_void_once_its_person_is_appointed(night: Story) -> None:
    old = code(night, "王科", "工作人员", by_administrator=False)
    with night.office() as store:
        row(store, Person, name="王科").roles = ["工作人员", "管理员"]
    night.says("new", f"绑定 {old}")
    assert night.hears("new")[0].startswith("绑定码不对")
    with night.office() as store:
        assert row(store, Invitation, code=old).used_at is None
