"""Role × action: whoever is not allowed a thing is refused it, on every page there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.permissions import ACTIONS, CHANGE_ACTIONS, OWN_SESSION, ROLES, VIEW_ACTIONS
from tests.web.parts import Browser, room

# Who may do what, as agreed: P patroller, H enterprise head, L duty leader, S staff, U auditor, A administrator.
TABLE = {
    "tonight.see": "PHLSUA",
    "enterprise.see": "PHLSUA",
    "history.see": "PHLSUA",
    "films.watch": "PHLSUA",
    "films.download": "LSUA",
    "review.see": "LSUA",
    "alerts.see": "LSUA",
    "office_tasks.see": "SUA",
    "register.see": "SUA",
    "audit_log.see": "LSUA",
    "review.judge": "LSA",
    "alerts.acknowledge": "LSA",
    "review.answer": "PH",
    "objection.raise": "PH",
    "objection.answer": "SA",
    "films.attach": "SA",
    "office_tasks.work": "SA",
    "register.edit": "SA",
    "roster.edit": "SA",
    "rules.edit": "SA",
    "people.invite": "SA",
}
LETTERS = dict(zip(("patroller", "head", "leader", "staff", "auditor", "admin"), "PHLSUA", strict=True))
# What stands in the addresses of pages, for which nothing need be there.
FILLED = {
    "code": "E001",
    "night": "2026-11-24",
    "receipt": "1124-0001",
    "title": "企业",
    "digest": "0" * 64,
    "token": "x",
    "kind": "thumb",
    "objection_id": 1,
    "notice_id": 1,
    "look_id": 1,
    "alert_id": 1,
    "version": "x",
    "name": "x",
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    with room(tmp_path_factory.mktemp("everybody")) as made:
        yield {role: made.signed_in(role) for role in ROLES}


def test_the_table_is_the_one_agreed_upon() -> None:
    agreed = {action: frozenset(role for role in ROLES if LETTERS[role] in who) for action, who in TABLE.items()}
    assert agreed == ACTIONS


def test_an_auditor_reads_everything_and_changes_nothing() -> None:
    assert {action for action, roles in VIEW_ACTIONS.items() if "auditor" not in roles} == set()
    assert {action for action, roles in CHANGE_ACTIONS.items() if "auditor" in roles} == set()


def pages(browser: Browser) -> Iterator[tuple[str, str, str]]:
    """Method, address and action of everything behind the guard."""
    app: Any = browser.application
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            action = getattr(app.view_functions[rule.endpoint], "action", None)
            if action is None:
                continue
            address = app.url_map.bind("x").build(rule.endpoint, {name: FILLED[name] for name in rule.arguments})
            for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
                yield method, address, action


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_refused_just_what_the_table_denies(everybody: dict[str, Browser], role: str) -> None:
    browser = everybody[role]
    token = browser.csrf()
    wrong = []
    for method, address, action in pages(browser):
        if address.startswith("/account/"):
            continue  # leaving would end the test
        headers = {"Referer": "https://patrol.example.org/", "X-CSRFToken": token}
        status = browser.open(address, method=method, headers=headers).status_code
        allowed = action == OWN_SESSION or role in ACTIONS[action]
        if (status != 403) != allowed or status >= 500:
            wrong.append((method, address, action, status))
    assert wrong == []
