"""All people by name; 姓名（手机） tells people of the same name apart."""

from __future__ import annotations

import re
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.models import Binding, Employment, Enterprise, Person

_QUALIFIED = re.compile(r"(.+?)\s*[（(]\s*([^（）()]+?)\s*[）)]")


class PeopleNames:
    """All people by name, with what else identifies a person and where each is employed, loaded once."""

    def __init__(self, session: Session) -> None:
        self.people: dict[int, Person] = {}
        self._by_name: dict[str, list[Person]] = defaultdict(list)
        self._marks: dict[int, list[str]] = defaultdict(list)
        self._employers: dict[int, set[int]] = defaultdict(set)
        self._told: set[int] = set()
        for person in session.scalars(select(Person).order_by(Person.id)):
            self.people[person.id] = person
            self._by_name[person.name].append(person)
            self._marks[person.id] += [person.mobile] if person.mobile else []
        self._load_accounts(session)
        self._load_enterprises(session)

    def _load_accounts(self, session: Session) -> None:
        query = select(Binding.person_id, Binding.account).where(Binding.until.is_(None)).order_by(Binding.id)
        for person_id, account in session.execute(query):
            self._told.add(person_id)
            self._marks[person_id].append(account)

    def _load_enterprises(self, session: Session) -> None:
        query = select(Employment.person_id, Enterprise.id, Enterprise.code).join(
            Enterprise, Enterprise.id == Employment.enterprise_id
        )
        for person_id, enterprise_id, code in session.execute(query.order_by(Enterprise.code)):
            self._employers[person_id].add(enterprise_id)
            self._marks[person_id].append(code)

    def has_account(self, person: Person) -> bool:
        """True if the person has any account."""
        return person.id in self._told

    def is_employed(self, person: Person) -> bool:
        """Whether the person works for an enterprise, and so not for the office."""
        return bool(self._employers.get(person.id))

    def employees_meant(self, text: str, enterprise_id: int) -> list[Person]:
        """The active people of an enterprise that a text may mean."""
        _, people = self.meant(text)
        return [each for each in people if each.active and enterprise_id in self._employers.get(each.id, ())]

    def employees(self, enterprise_id: int) -> list[Person]:
        """The active people of an enterprise, by name."""
        found = [each for each in self.people.values() if enterprise_id in self._employers.get(each.id, ())]
        return sorted((each for each in found if each.active), key=lambda person: (person.name, person.id))

    def people_named(self, name: str) -> list[Person]:
        """All people of exactly that name, active or not."""
        return self._by_name.get(name, [])

    def meant(self, written: str) -> tuple[str, list[Person]]:
        """The name without what is in brackets, and the people that the text may mean."""
        if people := self.people_named(written):
            return written, people
        match = _QUALIFIED.fullmatch(written)
        if match is None:
            return written, []
        return match[1], [person for person in self.people_named(match[1]) if match[2] in self._marks[person.id]]

    def candidate_names(self, person: Person) -> list[str]:
        """The name of a person, and the name with each thing that identifies the person."""
        return [person.name, *(f"{person.name}（{mark}）" for mark in self._marks[person.id])]

    def name_at(self, person: Person, enterprise_id: int) -> str:
        """A name that means this person alone among the people of an enterprise, or else among all people."""
        candidates = self.candidate_names(person)
        own = [text for text in candidates if self.employees_meant(text, enterprise_id) == [person]]
        return next(iter([*own, *(text for text in candidates if self.meant(text)[1] == [person])]), person.name)
