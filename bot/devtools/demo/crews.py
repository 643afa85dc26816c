"""Who plays in the demo: the patrollers of each enterprise and the people on duty, by their accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from storage.register_terms import OFFICE_STAFF, PATROLLER, SHUT_DOWN
from storage.store import Store


@dataclass(frozen=True)
class EnterpriseCrew:
    """The accounts of the patrollers of an enterprise, and the numbers of its parts."""

    code: str
    short_name: str
    patrollers: Sequence[str]
    parts: Sequence[str]
    production_stopped: bool


@dataclass(frozen=True)
class People:
    """Accounts of those who have a phone, and keys of the group robots."""

    crews: Sequence[EnterpriseCrew]
    leader: str
    backup: str
    staff: Sequence[str]
    robot_keys: Sequence[str]


def read_people(store: Store, night: date) -> People:
    """The people of the register who play in this night."""
    rows = {row.id: row for row in store.register.expected_parts()}
    employees = store.register.employees(rows)
    shift = store.duty.people_on_shift(night - timedelta(days=1))
    office = store.register.people_with_role(OFFICE_STAFF)
    everybody = [*(person for of_one in employees.values() for person in of_one), *office]
    everybody += [*shift["leader"], *shift["backup"]]
    accounts = store.register.accounts([person.id for person in everybody], "wecom")
    crews = [
        EnterpriseCrew(
            row.code,
            row.short_name,
            [accounts[person.id] for person in employees[key] if PATROLLER in person.roles],
            [part.number for part in store.register.parts_of(key)],
            row.status == SHUT_DOWN,
        )
        for key, row in rows.items()
    ]
    leader, backup = (accounts[shift[post][0].id] for post in ("leader", "backup"))
    staff = [accounts[person.id] for person in office]
    return People(crews, leader, backup, staff, [group.robot_key or "" for group in store.register.groups()])
