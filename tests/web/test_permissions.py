"""Role × action: every page refuses the roles without its permission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.permissions import ACTIONS, CHANGE_ACTIONS, OWN_SESSION, ROLES, VIEW_ACTIONS
from tests.web.parts import Browser, open_dashboard

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
# Values for the variables in URLs; nothing needs to exist for them.
URL_VALUES = {
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
    "name": "x",
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    with open_dashboard(tmp_path_factory.mktemp("everybody")) as made:
        yield {role: made.signed_in(role) for role in ROLES}


def test_permissions_are_those_of_the_table() -> None:
    agreed = {action: frozenset(role for role in ROLES if LETTERS[role] in who) for action, who in TABLE.items()}
    assert agreed == ACTIONS


def test_an_auditor_has_all_view_and_no_change_permissions() -> None:
    assert {action for action, roles in VIEW_ACTIONS.items() if "auditor" not in roles} == set()
    assert {action for action, roles in CHANGE_ACTIONS.items() if "auditor" in roles} == set()


def pages(browser: Browser) -> Iterator[tuple[str, str, str]]:
    """Method, URL and action of every page that needs a permission."""
    app: Any = browser.application
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            action = getattr(app.view_functions[rule.endpoint], "action", None)
            if action is None:
                continue
            address = app.url_map.bind("x").build(rule.endpoint, {name: URL_VALUES[name] for name in rule.arguments})
            for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
                yield method, address, action


@pytest.mark.parametrize("role", ROLES)
def test_every_page_enforces_its_permission(everybody: dict[str, Browser], role: str) -> None:
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
