"""Phones and robots in the simulated cloud for the people and groups of the register."""

from __future__ import annotations

from bot.devtools.simulator import Cloud
from storage.db.models import Person
from storage.store import Store


def add_accounts(cloud: Cloud, store: Store) -> None:
    """Give each person with a WeCom account a phone, each group its robot, and add one person who is not registered."""
    people = {person.id: person for person in store.session.query(Person).order_by(Person.id)}
    accounts = store.register.accounts(people, "wecom")
    for person_id, person in people.items():
        if person_id in accounts:
            cloud.add_member(accounts[person_id], person.name, person.mobile or "")
    cloud.add_member("stranger", "陌生人")
    for group in store.register.groups():
        cloud.add_robot(group.robot_key or "", group.name)
