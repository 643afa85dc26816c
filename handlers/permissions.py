"""Who may see and do what: roles × actions, and which enterprises a person sees. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storage import register_terms

PATROLLER, HEAD, LEADER, STAFF, AUDITOR, ADMIN = "patroller", "head", "leader", "staff", "auditor", "admin"
ROLES = (PATROLLER, HEAD, LEADER, STAFF, AUDITOR, ADMIN)
ROLE_OF_REGISTER_NAME = {
    register_terms.PATROLLER: PATROLLER,
    register_terms.HEAD: HEAD,
    register_terms.SAFETY_OFFICER: HEAD,
    register_terms.DUTY_LEADER: LEADER,
    register_terms.OFFICE_STAFF: STAFF,
    register_terms.AUDITOR: AUDITOR,
    register_terms.ADMIN: ADMIN,
}
# These roles see every enterprise; the others only the enterprises they work for.
COUNTY_ROLES = frozenset({LEADER, STAFF, AUDITOR, ADMIN})

_EVERYBODY = frozenset(ROLES)
_ENTERPRISE_ROLES = frozenset({PATROLLER, HEAD})
_OFFICE_ROLES = frozenset({STAFF, ADMIN})

# Actions that change nothing; the auditor may do all of them.
VIEW_ACTIONS: dict[str, frozenset[str]] = {
    "tonight.see": _EVERYBODY,
    "enterprise.see": _EVERYBODY,
    "alerts.see": COUNTY_ROLES,
    "history.see": _EVERYBODY,
    "reports.see": COUNTY_ROLES,
    "films.watch": _EVERYBODY,
    "films.download": COUNTY_ROLES,
    "review.see": COUNTY_ROLES,
    "hazards.see": _EVERYBODY,
    # The head of an enterprise sees the inspections of its own and the documents served on it.
    "inspections.see": COUNTY_ROLES | {HEAD},
    "cases.see": COUNTY_ROLES,
    "office_tasks.see": _OFFICE_ROLES | {AUDITOR},
    "register.see": _OFFICE_ROLES | {AUDITOR},
    "audit_log.see": COUNTY_ROLES,
    "notices.see": COUNTY_ROLES,
}
# Actions that change something; the auditor may do none of them.
CHANGE_ACTIONS: dict[str, frozenset[str]] = {
    "alerts.acknowledge": _OFFICE_ROLES | {LEADER},
    "enterprises.urge": _OFFICE_ROLES | {LEADER},
    "review.judge": _OFFICE_ROLES | {LEADER},
    "hazards.add": _ENTERPRISE_ROLES | _OFFICE_ROLES | {LEADER},
    # Rows of any enterprise, found by any person.
    "hazards.import": _OFFICE_ROLES | {LEADER},
    # The head of an enterprise edits hazards of its own; see handlers/hazards/editing.py for the fields.
    "hazards.edit": _OFFICE_ROLES | {LEADER, HEAD},
    "hazards.submit": _ENTERPRISE_ROLES | _OFFICE_ROLES | {LEADER},
    "hazards.dispute": _ENTERPRISE_ROLES | _OFFICE_ROLES | {LEADER},
    # The head of an enterprise accepts what its own people found; see handlers/hazards/moving.py.
    "hazards.accept": _OFFICE_ROLES | {LEADER, HEAD},
    "hazards.void": _OFFICE_ROLES | {LEADER},
    "hazards.ask_extension": _ENTERPRISE_ROLES | _OFFICE_ROLES,
    "hazards.decide_extension": _OFFICE_ROLES | {LEADER},
    # Inspections, documents and cases alike.
    "inspections.edit": _OFFICE_ROLES,
    "objection.raise": _ENTERPRISE_ROLES,
    "objection.answer": _OFFICE_ROLES,
    "films.attach": _OFFICE_ROLES,
    "office_tasks.work": _OFFICE_ROLES,
    "register.edit": _OFFICE_ROLES,
    "roster.edit": _OFFICE_ROLES,
    "rules.edit": _OFFICE_ROLES,
    "people.invite": _OFFICE_ROLES,
    # To give the role of duty leader or administrator, or to bind an account to a person who has it.
    "people.appoint": frozenset({ADMIN}),
}
ACTIONS: dict[str, frozenset[str]] = {**VIEW_ACTIONS, **CHANGE_ACTIONS}
# Every signed-in user may manage their own session, whatever their roles.
OWN_SESSION = "own.session"


@dataclass(frozen=True)
class Viewer:
    """A signed-in user, with the roles and the enterprises they may see (None = all)."""

    person_id: int
    name: str
    roles: frozenset[str]
    enterprise_ids: frozenset[int] | None

    def may(self, action: str) -> bool:
        """Whether one of the roles allows an action. Raises KeyError for an unknown one."""
        return action == OWN_SESSION or bool(self.roles & ACTIONS[action])

    def can_see(self, enterprise_id: int | None) -> bool:
        """Whether something of that enterprise may be shown; None stands for what belongs to no enterprise yet."""
        return self.enterprise_ids is None or enterprise_id in self.enterprise_ids


def build_viewer(person_id: int, name: str, register_roles: Iterable[str], employer_ids: Iterable[int]) -> Viewer:
    """The viewer for a person of the register, from the person's roles and employers there."""
    roles = frozenset(ROLE_OF_REGISTER_NAME[each] for each in register_roles if each in ROLE_OF_REGISTER_NAME)
    return Viewer(person_id, name, roles, None if roles & COUNTY_ROLES else frozenset(employer_ids))
