"""The table of roles and actions."""

from __future__ import annotations

import pytest

from handlers.permissions import (
    ACTIONS,
    ADMIN,
    AUDITOR,
    CHANGE_ACTIONS,
    COUNTY_ROLES,
    HEAD,
    OWN_SESSION,
    PATROLLER,
    ROLE_OF_REGISTER_NAME,
    ROLES,
    VIEW_ACTIONS,
    Viewer,
    build_viewer,
)


def test_the_auditor_may_view_everything_and_change_nothing() -> None:
    assert {action for action in ACTIONS if AUDITOR in ACTIONS[action]} == set(VIEW_ACTIONS)


def test_no_action_both_views_and_changes() -> None:
    assert not set(VIEW_ACTIONS) & set(CHANGE_ACTIONS)


def test_every_action_has_roles_and_only_existing_ones() -> None:
    assert all(roles and roles <= set(ROLES) for roles in ACTIONS.values())
    assert set(ROLE_OF_REGISTER_NAME.values()) == set(ROLES)


def test_the_administrator_may_do_everything_but_what_enterprises_do() -> None:
    assert {action for action in ACTIONS if ADMIN not in ACTIONS[action]} == {"objection.raise"}


@pytest.mark.parametrize("role", ["巡检员", "负责人", "安全员"])
def test_an_enterprise_role_sees_only_its_enterprise(role: str) -> None:
    found = build_viewer(1, "甲", [role], [7])
    assert found.can_see(7)
    assert not found.can_see(8)
    assert not found.can_see(None)
    assert not any(found.may(action) for action in ("office_tasks.see", "review.judge", "register.edit"))


@pytest.mark.parametrize("role", sorted(COUNTY_ROLES))
def test_a_county_role_sees_every_enterprise(role: str) -> None:
    name = next(name for name, found in ROLE_OF_REGISTER_NAME.items() if found == role)
    assert build_viewer(1, "甲", [name], [7]).can_see(None)


def test_several_roles_add_up() -> None:
    found = build_viewer(1, "甲", ["巡检员", "负责人", "不认识的角色"], [7, 8])
    assert found.roles == {PATROLLER, HEAD}
    assert found.can_see(7)
    assert found.can_see(8)


def test_everybody_may_sign_out_and_unknown_actions_raise() -> None:
    without_roles = Viewer(1, "甲", frozenset(), frozenset())
    assert without_roles.may(OWN_SESSION)
    assert not without_roles.may("tonight.see")
    with pytest.raises(KeyError):
        without_roles.may("tonight.sea")
