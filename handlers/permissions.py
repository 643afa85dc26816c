"""Who may see and do what: roles × actions, and what a person sees of the county. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PATROLLER, HEAD, LEADER, STAFF, AUDITOR, ADMIN = "patroller", "head", "leader", "staff", "auditor", "admin"
ROLES = (PATROLLER, HEAD, LEADER, STAFF, AUDITOR, ADMIN)
# How the register names them.
ROLE_OF_REGISTER_NAME = {
    "巡检员": PATROLLER,
    "负责人": HEAD,
    "安全员": HEAD,
    "值班领导": LEADER,
    "工作人员": STAFF,
    "审计员": AUDITOR,
    "管理员": ADMIN,
}
# They see every enterprise; everybody else only those he works for.
COUNTY_ROLES = frozenset({LEADER, STAFF, AUDITOR, ADMIN})

_EVERYBODY = frozenset(ROLES)
_ENTERPRISES = frozenset({PATROLLER, HEAD})

# What only looks. The auditor may do all of it.
VIEW_ACTIONS: dict[str, frozenset[str]] = {
    "tonight.see": _EVERYBODY,
    "enterprise.see": _EVERYBODY,
    "alerts.see": COUNTY_ROLES,
    "history.see": _EVERYBODY,
    "films.watch": _EVERYBODY,
    "films.download": frozenset({LEADER, STAFF, AUDITOR, ADMIN}),
    "review.see": COUNTY_ROLES,
    "office_tasks.see": frozenset({STAFF, AUDITOR, ADMIN}),
    "register.see": frozenset({STAFF, AUDITOR, ADMIN}),
    "audit_log.see": frozenset({LEADER, STAFF, AUDITOR, ADMIN}),
}
# What leaves something changed. The auditor may do none of it.
CHANGE_ACTIONS: dict[str, frozenset[str]] = {
    "alerts.acknowledge": frozenset({LEADER, STAFF, ADMIN}),
    "review.judge": frozenset({LEADER, STAFF, ADMIN}),
    "review.answer": _ENTERPRISES,
    "objection.raise": _ENTERPRISES,
    "objection.answer": frozenset({STAFF, ADMIN}),
    "films.attach": frozenset({STAFF, ADMIN}),
    "office_tasks.work": frozenset({STAFF, ADMIN}),
    "register.edit": frozenset({STAFF, ADMIN}),
    "roster.edit": frozenset({STAFF, ADMIN}),
    "rules.edit": frozenset({STAFF, ADMIN}),
    "people.invite": frozenset({STAFF, ADMIN}),
    "users.manage": frozenset({ADMIN}),
}
ACTIONS: dict[str, frozenset[str]] = {**VIEW_ACTIONS, **CHANGE_ACTIONS}
# Everybody who is signed in may leave, whatever his roles.
OWN_SESSION = "own.session"


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in: who it is, in which roles, and the enterprises to be seen (None = all)."""

    person_id: int
    name: str
    roles: frozenset[str]
    enterprise_ids: frozenset[int] | None

    def may(self, action: str) -> bool:
        """Whether one of the roles allows an action. Raises KeyError for one that nobody has thought of."""
        return action == OWN_SESSION or bool(self.roles & ACTIONS[action])

    def can_see(self, enterprise_id: int | None) -> bool:
        """Whether something of that enterprise (None: of nobody yet) may be shown."""
        return self.enterprise_ids is None or enterprise_id in self.enterprise_ids


def build_viewer(person_id: int, name: str, register_roles: Iterable[str], employer_ids: Iterable[int]) -> Viewer:
    """What a person of the register may see, by the roles that stand there and whom the person works for."""
    roles = frozenset(ROLE_OF_REGISTER_NAME[each] for each in register_roles if each in ROLE_OF_REGISTER_NAME)
    return Viewer(person_id, name, roles, None if roles & COUNTY_ROLES else frozenset(employer_ids))
