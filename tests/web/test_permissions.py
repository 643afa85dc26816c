"""Role × action: every page refuses the roles without its permission."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handlers.permissions import ACTIONS, CHANGE_ACTIONS, OWN_SESSION, ROLES, VIEW_ACTIONS
from tests.web.parts import Browser, open_dashboard
from tests.web.url_map import routes

# Who may do what, as agreed: P patroller, H enterprise head, L duty leader, S staff, U auditor, A administrator.
TABLE = {
    "tonight.see": "PHLSUA",
    "enterprise.see": "PHLSUA",
    "history.see": "PHLSUA",
    "reports.see": "LSUA",
    "films.watch": "PHLSUA",
    "films.download": "LSUA",
    "review.see": "LSUA",
    "alerts.see": "LSUA",
    "hazards.see": "PHLSUA",
    "inspections.see": "HLSUA",
    "cases.see": "LSUA",
    "office_tasks.see": "SUA",
    "register.see": "SUA",
    "audit_log.see": "LSUA",
    "notices.see": "LSUA",
    "review.judge": "LSA",
    "alerts.acknowledge": "LSA",
    "enterprises.urge": "LSA",
    "hazards.add": "PHLSA",
    "hazards.import": "LSA",
    "hazards.edit": "HLSA",
    "hazards.submit": "PHLSA",
    "hazards.dispute": "PHLSA",
    "hazards.accept": "HLSA",
    "hazards.void": "LSA",
    "hazards.ask_extension": "PHSA",
    "hazards.decide_extension": "LSA",
    "inspections.edit": "SA",
    "objection.raise": "PH",
    "objection.answer": "SA",
    "films.attach": "SA",
    "office_tasks.work": "SA",
    "register.edit": "SA",
    "roster.edit": "SA",
    "rules.edit": "SA",
    "people.invite": "SA",
    "people.appoint": "A",
}
LETTERS = dict(zip(("patroller", "head", "leader", "staff", "auditor", "admin"), "PHLSUA", strict=True))


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


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_page_enforces_its_permission(everybody: dict[str, Browser], role: str) -> None:
    browser = everybody[role]
    token = browser.csrf()
    wrong = []
    for route in routes(browser.application):
        if route.action is None or route.rule.startswith("/account/"):
            continue  # leaving would end the test
        headers = {"Referer": "https://patrol.example.org/", "X-CSRFToken": token}
        status = browser.open(route.path(), method=route.method, headers=headers).status_code
        allowed = route.action == OWN_SESSION or role in ACTIONS[route.action]
        if (status != 403) != allowed or status >= 500:
            wrong.append((route, status))
    assert wrong == []
